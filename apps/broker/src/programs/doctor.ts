import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Json } from "@agentkeys/core";
import { isAgentKeysError } from "@agentkeys/core";
import { loadPlugins } from "../boot/compose.ts";
import { readConfig, type BrokerConfig } from "../boot/read-config.ts";
import { openHighWaterFile } from "../ops/high-water.ts";
import { checkpointOf } from "../ops/rewind.ts";
import { askControl } from "../ops/control.ts";

/** What was looked at, how it stands, and what to do where that is not well. */
export interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly found: string;
  /** What to do about it. */
  readonly next?: string;
}

const lowSpace = 1024 ** 3;
const noSpace = 100 * 1024 ** 2;
const patience = 5000;

/** Looks at all that a broker of this configuration needs, and changes nothing. Throws what makes the configuration unusable. */
export async function examine(file: string | undefined): Promise<readonly Finding[]> {
  const config = readConfig(file);
  const loaded = await loadPlugins(config);
  const isRunning = (await askControl(config.dataDirectory, "status", {}).catch(() => undefined)) !== undefined;
  return [
    { check: "node", status: "ok", found: process.versions.node },
    {
      check: "configuration",
      status: "ok",
      found: `${config.hasFile ? config.origin : "the defaults"}, ${loaded.length} plug-ins`,
    },
    checkFolder("data_dir", config.dataDirectory),
    ...checkKeys(config),
    checkSpace("data_dir", config.dataDirectory),
    checkFolder("high_water_dir", config.highWaterDirectory),
    checkApart(config),
    await checkHighWater(config),
    isRunning
      ? { check: "broker", status: "ok", found: "it runs" }
      : { check: "broker", status: "warn", found: "it does not run", next: "start it: agentkeys-broker" },
    ...(isRunning ? await checkReadiness(config) : [await checkPort(config)]),
    ...(isRunning ? [await checkPublicUrl(config)] : []),
  ];
}

function checkFolder(check: string, path: string): Finding {
  if (!existsSync(path)) return { check, status: "ok", found: `${path} is made at the first start` };
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0)
    return { check, status: "fail", found: `${path} is open to others`, next: `chmod 700 ${path}` };
  if (uid !== (process.getuid?.() ?? uid))
    return { check, status: "warn", found: `${path} is another user's`, next: "ask as the user the broker runs as" };
  try {
    accessSync(path, constants.W_OK);
    return { check, status: "ok", found: path };
  } catch {
    return { check, status: "fail", found: `${path} cannot be written`, next: "give it to the broker's user" };
  }
}

function checkKeys({ dataDirectory }: BrokerConfig): readonly Finding[] {
  return ["access-token", "workload", "workload-rs256"].flatMap((name): Finding[] => {
    const path = join(dataDirectory, "keys", `${name}.pem`);
    if (!existsSync(path)) return [];
    const isOpen = (statSync(path).mode & 0o077) !== 0;
    return isOpen
      ? [{ check: `key ${name}`, status: "fail", found: `${path} is open to others`, next: `chmod 600 ${path}` }]
      : [{ check: `key ${name}`, status: "ok", found: path }];
  });
}

function checkSpace(name: string, path: string): Finding {
  const check = `space for ${name}`;
  const { bavail, bsize } = statfsSync(nearest(path));
  const free = bavail * bsize;
  const found = `${Math.floor(free / 1024 ** 2)} MiB free`;
  if (free >= lowSpace) return { check, status: "ok", found };
  const next = "a full disk stops the log, and with it every credential: make room";
  return { check, status: free < noSpace ? "fail" : "warn", found, next };
}

function checkApart({ dataDirectory, highWaterDirectory }: BrokerConfig): Finding {
  const isApart = statSync(nearest(dataDirectory)).dev !== statSync(nearest(highWaterDirectory)).dev;
  return isApart
    ? { check: "high_water_dir apart", status: "ok", found: "another file system than data_dir" }
    : {
        check: "high_water_dir apart",
        status: "warn",
        found: "the same file system as data_dir",
        next: "put it on another disk where you can: what restores the one must not restore the other",
      };
}

async function checkHighWater({ highWaterDirectory, dataDirectory }: BrokerConfig): Promise<Finding> {
  const check = "high-water file";
  if (!existsSync(highWaterDirectory))
    return existsSync(join(dataDirectory, "broker.db"))
      ? { check, status: "fail", found: "it is missing", next: "see docs/operate/backup-and-recovery.md" }
      : { check, status: "ok", found: "it is made at the first start" };
  try {
    const note = await (await openHighWaterFile(highWaterDirectory)).read();
    if (note === undefined) return { check, status: "warn", found: "there is none yet" };
    const { origin, size } = checkpointOf(note);
    return { check, status: "ok", found: `${origin} at ${size} records` };
  } catch (error) {
    const next = "see docs/operate/backup-and-recovery.md";
    return { check, status: "fail", found: error instanceof Error ? error.message : String(error), next };
  }
}

async function checkReadiness(config: BrokerConfig): Promise<readonly Finding[]> {
  try {
    const { host, port } = config.listen;
    const address = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/readyz`;
    const headers = { host: new URL(config.publicUrl).host };
    const answer = (await (await fetch(url, { headers, signal: AbortSignal.timeout(patience) })).json()) as {
      readonly plugins: readonly { kind: string; name: string; status: string; reason?: string; docs: string }[];
    };
    return answer.plugins.map(({ kind, name, status, reason, docs }): Finding => {
      const check = `${kind}.${name}`;
      if (status === "ready") return { check, status: "ok", found: status };
      return { check, status: status === "degraded" ? "warn" : "fail", found: reason ?? status, next: `see ${docs}` };
    });
  } catch (error) {
    const next = "look at the broker's log";
    return [{ check: "readiness", status: "fail", found: `it does not answer: ${String(error)}`, next }];
  }
}

async function checkPort({ listen: { host, port } }: BrokerConfig): Promise<Finding> {
  const check = "port";
  const fault = await new Promise<Error | undefined>((resolve) => {
    const server = createServer().once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  return fault === undefined
    ? { check, status: "ok", found: `${host}:${port} is free` }
    : { check, status: "fail", found: fault.message, next: "stop the program that holds it, or set broker.listen" };
}

async function checkPublicUrl({ publicUrl }: BrokerConfig): Promise<Finding> {
  const check = "public_url";
  try {
    const signal = AbortSignal.timeout(patience);
    const { status } = await fetch(`${publicUrl}/healthz`, { signal, redirect: "error" });
    if (status === 200) return { check, status: "ok", found: `${publicUrl} answers` };
    return { check, status: "warn", found: `${publicUrl}/healthz answers ${status}`, next: "look at the proxy" };
  } catch {
    const next = "from here it need not; agents and people must reach it";
    return { check, status: "warn", found: `${publicUrl} does not answer from here`, next };
  }
}

/** The path, or the closest folder above it that is there. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

/** Lines for a person, one a finding. */
export function formatFindings(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings.map(({ check, status, found, next }) => {
    const line = `${status.padEnd(4)}  ${check.padEnd(width)}  ${found}`;
    return next === undefined ? line : `${line}\n${" ".repeat(width + 8)}→ ${next}`;
  });
}

/** The findings as `--json` prints them; a configuration that cannot be used is one. */
export async function examineAll(file: string | undefined): Promise<{ findings: readonly Finding[]; json: Json }> {
  const findings = await examine(file).catch((error: unknown): readonly Finding[] => {
    if (!isAgentKeysError(error)) throw error;
    return [{ check: "configuration", status: "fail", found: `${error.code}: ${error.message}` }];
  });
  return { findings, json: { findings: findings.map((one) => ({ ...one })) } };
}
