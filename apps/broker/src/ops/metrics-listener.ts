import { createServer, type Server } from "node:http";
import { isIP } from "node:net";
import { AgentKeysError } from "@agentkeys/core";
import type { Registry } from "./registry.ts";

/** Where the metrics are served, and the names besides addresses and `localhost` that are taken in the Host header. */
export interface MetricsListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly hosts: readonly string[];
}

/**
 * Serves `GET /metrics` on a listener of its own, which the broker's public one never does. A browser cannot be led here by a DNS
 * name of another's: only addresses, `localhost` and the configured names are served. Throws ERR_CONFIG_LISTEN.
 */
export async function serveMetrics(
  registry: Registry,
  options: MetricsListenerOptions,
): Promise<{ close(): Promise<void> }> {
  const { host, port, hosts } = options;
  const server = createServer(
    { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 5000 },
    (request, response) => {
      const answer = (status: number, text: string): void => {
        response.writeHead(status, {
          "content-type": "text/plain; version=0.0.4; charset=utf-8",
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
        });
        response.end(request.method === "HEAD" ? undefined : text);
      };
      if (!isServed(request.headers.host ?? "", hosts)) answer(421, "ERR_REQUEST_HOST\n");
      else if (request.method !== "GET" && request.method !== "HEAD") answer(405, "ERR_REQUEST_METHOD\n");
      else if (request.url !== "/metrics") answer(404, "ERR_REQUEST_NOT_FOUND\n");
      else answer(200, registry.text());
    },
  );
  server.maxConnections = 32;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const address = `${host}:${port}`;
      reject(
        new AgentKeysError(
          "ERR_CONFIG_LISTEN",
          `metrics ${address}: ${cause.message}`,
          { address, reason: cause.message },
          { cause },
        ),
      );
    });
    server.listen(port, host, () => resolve());
  });
  server.unref();
  return { close: () => closeNow(server) };
}

function isServed(header: string, hosts: readonly string[]): boolean {
  const text = header.toLowerCase();
  const name = text.replace(/:\d{1,5}$/u, "").replace(/^\[(.*)\]$/u, "$1");
  return name === "localhost" || isIP(name) !== 0 || hosts.includes(text) || hosts.includes(name);
}

function closeNow(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
