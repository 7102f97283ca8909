import { join } from "node:path";
import * as v from "valibot";
import { AgentKeysError, type Plugin } from "@agentkeys/core";
import { compose, loadPlugins } from "../boot/compose.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import type { Broker } from "../broker.ts";
import { openKeys, type KeyPurpose } from "../keys/keys.ts";
import { askControl } from "../ops/control.ts";
import { createLogger } from "../ops/logger.ts";
import type { Tell } from "./recover.ts";

/** What a key is for: `log` is the key that signs the log's heads. */
export const rotatable = ["access-token", "workload", "workload-rs256", "log"] as const;
/** See {@link rotatable}. */
export type Rotatable = (typeof rotatable)[number];

const patience = 60_000;
const rotated = v.object({ key: v.string() });

/** `keygen`: makes the broker's own keys ahead of its first start, and says which there are. */
export async function keygen(config: BrokerConfig, tell: Tell): Promise<void> {
  const loaded = await loadPlugins(config);
  const issuers = loaded.filter(({ plugin }) => plugin.kind === "issuer") as { plugin: Plugin<"issuer"> }[];
  const keys = await openKeys(join(config.dataDirectory, "keys"), { rs256: issuers.length === 0 });
  for (const { kid, alg } of keys.jwks().keys) tell(`${alg}  ${kid}`);
  tell("the log makes its key with its first record, and a witness has its own: agentkeys-witness --help");
}

/** `keygen --rotate PURPOSE`: a running broker signs with a new key from now on; where none runs, the next start does. */
export async function rotate(config: BrokerConfig, purpose: Rotatable, tell: Tell): Promise<void> {
  const told = await askControl(config.dataDirectory, "rotate", { purpose }, patience);
  const { key } = told === undefined ? await rotateHere(config, purpose) : v.parse(rotated, told);
  tell(`${purpose}: ${key}`);
  tell(told === undefined ? "the next start signs with it" : "the running broker signs with it");
  if (purpose === "log") tell("heads carry both signatures until the next rotation: give auditors the new key by then");
}

async function rotateHere(config: BrokerConfig, purpose: Rotatable): Promise<{ key: string }> {
  const logger = createLogger((line) => process.stderr.write(line), Date.now, config.logLevel);
  const { broker, close } = await compose(config, logger, (error) => {
    throw error;
  });
  try {
    return await rotateKey(broker, purpose);
  } finally {
    await close();
  }
}

/** Makes the new key; its `kid`, or the log's new vkey. Throws ERR_CONFIG_INVALID where the log knows no rotation. */
export async function rotateKey({ keys, log }: Broker, purpose: Rotatable): Promise<{ key: string }> {
  if (purpose !== "log") return { key: (await keys.rotate(purpose satisfies KeyPurpose)).kid };
  if (log.upkeep === undefined)
    throw new AgentKeysError("ERR_CONFIG_INVALID", "audit.log: this log keeps its one key", {
      issues: ["audit.log: this log keeps its one key"],
    });
  return { key: await log.upkeep.rotateKey("rotate") };
}
