import { describeError, isAgentKeysError, type Json } from "@agentkeys/core";
import { loadPlugins } from "../boot/compose.ts";
import type { LoadedPlugin } from "../boot/load-plugin.ts";
import { openAuditors } from "../boot/open-auditors.ts";
import { readConfig, type BrokerConfig } from "../boot/read-config.ts";
import { checkDisk } from "../doctor/disk.ts";
import { reasonOf, type Finding } from "../doctor/finding.ts";
import { checkHighWater, checkLogFiles } from "../doctor/log-files.ts";
import { answersHealth, checkPort, checkPublicUrl, checkReadiness } from "../doctor/network.ts";
import { checkByRehearsal } from "../doctor/rehearsal.ts";
import { askControl, canAskControl, isSilence } from "../ops/control.ts";

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
    ...(await checkPlugins(config, loaded, broker)),
    await checkHighWater(config),
  ];
}

/** One that does not answer runs all the same. */
async function findBroker(config: BrokerConfig): Promise<Finding> {
  const check = "broker";
  const isAsked = canAskControl(config.dataDirectory);
  try {
    const told = isAsked ? await askControl(config.dataDirectory, "status", {}) : await answersHealth(config);
    if (told !== undefined && told !== false) return { check, status: "ok", found: "it runs" };
    return { check, status: "warn", found: "it does not run", next: "start it: agentkeys-broker" };
  } catch (error) {
    const reason = reasonOf(error);
    return isSilence(error)
      ? { check, status: "fail", found: `it hangs: ${reason}`, next: "look at its log, and restart it" }
      : { check, status: "fail", found: `it cannot be asked: ${reason}`, next: "ask as the user the broker runs as" };
  }
}

/** By the running broker itself; where none runs, by trying them. One that hangs has nothing to tell. */
async function checkPlugins(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
  broker: Finding,
): Promise<readonly Finding[]> {
  if (broker.status === "ok") return checkReadiness(config);
  if (broker.status === "fail") return [];
  const logs = loaded.filter(({ selected }) => selected.needs === "log");
  return [
    ...(await checkByRehearsal(config, loaded)),
    ...checkAuditors(config),
    ...logs.map(({ selected }) => checkLogFiles(config, selected)),
  ];
}

/** That their tokens can be opened: a start ends where one cannot. */
function checkAuditors(config: BrokerConfig): readonly Finding[] {
  const check = "auditors";
  if (config.auditors.length === 0) return [];
  try {
    openAuditors(config);
    return [{ check, status: "ok", found: config.auditors.map(({ name }) => name).join(", ") }];
  } catch (error) {
    return [{ check, status: "fail", found: reasonOf(error), next: nextOf(error) }];
  }
}

function nextOf(error: unknown): string {
  const row = isAgentKeysError(error) ? describeError(error.code) : undefined;
  return row?.next ?? "look the code up: agentkeys errors decode CODE";
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
    const found = `${error.code}: ${error.message}`;
    return [{ check: "configuration", status: "fail", found, next: nextOf(error) }];
  });
  return { findings, json: { findings: findings.map((one) => ({ ...one })) } };
}
