import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { AgentKeysError } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import { newEvent } from "../flows/event.ts";
import { createApp } from "../http/app.ts";
import { startAnchorLoop } from "../ops/anchor-loop.ts";
import type { Logger } from "../ops/logger.ts";
import { startSweep } from "../ops/sweep.ts";
import { renewClaimCode } from "./claim-code.ts";
import { compose } from "./compose.ts";
import type { BrokerConfig } from "./read-config.ts";

/** A serving broker. */
export interface RunningBroker {
  readonly publicUrl: string;
  /** Stops taking requests, lets those that run end, closes everything. */
  close(): Promise<void>;
}

/**
 * Boots a broker: plug-ins, boot record, claim code, anchors, listener. Throws what refuses the boot; then nothing is left open.
 */
export async function startBroker(
  config: BrokerConfig,
  logger: Logger,
  show: (text: string) => void,
  onFatal: (error: Error) => void,
): Promise<RunningBroker> {
  const { broker, close } = await compose(config, logger, onFatal);
  try {
    await broker.log.append(bootEvent(broker), "boot");
    await broker.outbox.drain();
    await renewClaimCode(broker, config.dataDirectory, show);
    const loops = broker.anchors.map((anchor) => startAnchorLoop({ ...broker, anchor, now: broker.now }));
    const sweep = startSweep(broker);
    const server = await listen(createApp(broker, hostsOf(config)).fetch, config.listen);
    return {
      publicUrl: broker.publicUrl,
      async close() {
        sweep.close();
        await Promise.all(loops.map((loop) => loop.close()));
        await closeServer(server);
        await broker.outbox.drain();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function bootEvent(broker: Awaited<ReturnType<typeof compose>>["broker"]) {
  const plugins = broker.plugins.map(({ package: name, version, integrity }) => ({ name, version, integrity }));
  return newEvent(broker, RecordType.boot, { outcome: Outcome.notApplicable, body: { plugins } });
}

/** Names in the Host header that this broker answers to: its public one and, on a loopback listener, the loopback ones. */
function hostsOf(config: BrokerConfig): ReadonlySet<string> {
  const { host, port } = config.listen;
  const isLoopback = host === "::1" || host === "localhost" || host.startsWith("127.");
  return new Set([
    new URL(config.publicUrl).host,
    ...(isLoopback ? [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`] : []),
  ]);
}

function listen(
  fetch: Parameters<typeof serve>[0]["fetch"],
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, () => resolve(server)) as Server;
    server.once("error", (cause) => {
      const address = `${host}:${port}`;
      reject(
        new AgentKeysError(
          "ERR_CONFIG_LISTEN",
          `${address}: ${cause.message}`,
          { address, reason: cause.message },
          { cause },
        ),
      );
    });
  });
}

/** How long requests that run may take to end, in milliseconds. */
const drainTime = 5000;

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), drainTime);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
