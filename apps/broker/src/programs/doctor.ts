import { join } from "node:path";
import { describeError, isAgentKeysError, type Json } from "@agentkeys/core";
import { loadPlugins } from "../boot/compose.ts";
import { readConfig, type BrokerConfig } from "../boot/read-config.ts";
import { checkDisk } from "../doctor/disk.ts";
import { reasonOf, type Finding } from "../doctor/finding.ts";
import { answersHealth, checkPort, checkPublicUrl, checkReadiness } from "../doctor/network.ts";
import { checkByRehearsal } from "../doctor/rehearsal.ts";
import { readFileIfThere } from "../files/durable.ts";
import { askControl, canAskControl } from "../ops/control.ts";
import { checkpointOf } from "../ops/rewind.ts";

/** Looks at all that a broker of this configuration needs, and changes nothing. Throws what makes the configuration unusable. */
export async function examine(file: string | undefined): Promise<readonly Finding[]> {
  const config = readConfig(file);
  const loaded = await loadPlugins(config);
  const broker = await findBroker(config);
  const isRunning = broker.status !== "warn";
  return [
    { check: "node", status: "ok", found: process.versions.node },
    {
      check: "configuration",
      status: "ok",
      found: `${config.hasFile ? config.origin : "the defaults"}, ${loaded.length} plug-ins`,
    },
    ...checkDisk(config, Date.now()),
    broker,
    await checkPort(config, isRunning),
    ...(await checkPublicUrl(config, isRunning)),
    ...(isRunning
      ? [...(await checkReadiness(config)), await readHighWater(config)]
      : await checkByRehearsal(config, loaded)),
  ];
}

/** One that does not answer runs all the same: its data is not to be copied under it. */
async function findBroker(config: BrokerConfig): Promise<Finding> {
  const check = "broker";
  const isAsked = canAskControl(config.dataDirectory);
  try {
    const told = isAsked ? await askControl(config.dataDirectory, "status", {}) : await answersHealth(config);
    if (told !== undefined && told !== false) return { check, status: "ok", found: "it runs" };
    return { check, status: "warn", found: "it does not run", next: "start it: agentkeys-broker" };
  } catch (error) {
    const next = "ask as the user the broker runs as, and look at its log";
    return { check, status: "fail", found: `it cannot be asked: ${reasonOf(error)}`, next };
  }
}

/** While the broker runs, it watches over the file itself, and `/readyz` tells. */
async function readHighWater({ highWaterDirectory }: BrokerConfig): Promise<Finding> {
  const check = "high-water file";
  const next = "see docs/operate/backup-and-recovery.md";
  try {
    const note = await readFileIfThere(join(highWaterDirectory, "high-water"));
    if (note === undefined) return { check, status: "fail", found: "it is missing", next };
    const { origin, size } = checkpointOf(note);
    return { check, status: "ok", found: `${origin} at ${size} records` };
  } catch (error) {
    return { check, status: "fail", found: reasonOf(error), next };
  }
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
    const next = describeError(error.code)?.next ?? "look the code up: agentkeys errors decode CODE";
    return [{ check: "configuration", status: "fail", found: `${error.code}: ${error.message}`, next }];
  });
  return { findings, json: { findings: findings.map((one) => ({ ...one })) } };
}
