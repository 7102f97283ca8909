import { createServer } from "node:net";
import type { BrokerConfig } from "../boot/read-config.ts";
import { reasonOf, type Finding } from "./finding.ts";

const patience = 5000;
/** A readiness answer waits for mail servers and chains, which have 10 and 30 seconds of their own. */
const longestReadiness = 40_000;

interface PluginReadiness {
  readonly kind: string;
  readonly name: string;
  readonly status: string;
  readonly reason?: string;
  readonly docs: string;
}

/** How each plug-in of the running broker is, by its `/readyz`. */
export async function checkReadiness(config: BrokerConfig): Promise<readonly Finding[]> {
  try {
    const answer = await ask(config, "/readyz", longestReadiness);
    const { plugins } = (await answer.json()) as { readonly plugins: readonly PluginReadiness[] };
    return plugins.map((one) => describeReadiness(config, one));
  } catch (error) {
    const next = "look at the broker's log";
    return [{ check: "readiness", status: "fail", found: `it does not answer: ${reasonOf(error)}`, next }];
  }
}

/** An anchor that is away is made up for later; without any other plug-in nothing is served. */
export function describeReadiness(
  config: BrokerConfig,
  { kind, name, status, reason, docs }: PluginReadiness,
): Finding {
  const check = `${kind}.${name}`;
  if (status === "ready") return { check, status: "ok", found: status };
  const isAnchor = config.plugins.some((one) => one.kind === kind && one.name === name && one.needs === "anchor");
  const isServed = status === "degraded" || isAnchor;
  return { check, status: isServed ? "warn" : "fail", found: reason ?? status, next: `see ${docs}` };
}

/** The port is the running broker's, or free. */
export async function checkPort(config: BrokerConfig, isRunning: boolean): Promise<Finding> {
  const check = "port";
  const { host, port } = config.listen;
  const place = `${host}:${port}`;
  if (await answersHealth(config))
    return isRunning
      ? { check, status: "ok", found: `the broker answers on ${place}` }
      : {
          check,
          status: "fail",
          found: `a broker of other data answers on ${place}`,
          next: "stop it, or set broker.listen",
        };
  if (isRunning)
    return { check, status: "fail", found: `the broker does not answer on ${place}`, next: "look at the broker's log" };
  const fault = await new Promise<Error | undefined>((resolve) => {
    const server = createServer().once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  return fault === undefined
    ? { check, status: "ok", found: `${place} is free` }
    : { check, status: "fail", found: fault.message, next: "stop the program that holds it, or set broker.listen" };
}

/** True where a broker answers at the address of the configuration. */
export async function answersHealth(config: BrokerConfig): Promise<boolean> {
  try {
    const answer = await ask(config, "/healthz", patience);
    const body = (await answer.json()) as { readonly status?: unknown } | null;
    return answer.status === 200 && body?.status === "ok";
  } catch {
    return false;
  }
}

/** Whoever answers at public_url, be it a proxy without its broker, is reached. */
export async function checkPublicUrl({ publicUrl }: BrokerConfig, isRunning: boolean): Promise<readonly Finding[]> {
  const check = "public_url";
  // Without a proxy there is nobody to answer before the broker runs.
  if (!isRunning && publicUrl.startsWith("http:")) return [];
  try {
    const signal = AbortSignal.timeout(patience);
    const { status } = await fetch(`${publicUrl}/healthz`, { signal, redirect: "manual" });
    if (status === 200) return [{ check, status: "ok", found: `${publicUrl} answers` }];
    if (!isRunning) return [{ check, status: "ok", found: `${publicUrl} is reached, and answers ${status} for now` }];
    return [{ check, status: "warn", found: `${publicUrl}/healthz answers ${status}`, next: "look at the proxy" }];
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const found = `${publicUrl} does not answer from here: ${reasonOf(cause)}`;
    return [{ check, status: "warn", found, next: "from here it need not; agents and people must reach it" }];
  }
}

async function ask({ listen, publicUrl }: BrokerConfig, path: string, milliseconds: number): Promise<Response> {
  const loopback: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const host = loopback[listen.host] ?? listen.host;
  const origin = `http://${host.includes(":") ? `[${host}]` : host}:${listen.port}`;
  const headers = { host: new URL(publicUrl).host };
  return fetch(`${origin}${path}`, { headers, signal: AbortSignal.timeout(milliseconds), redirect: "error" });
}
