import { readFile } from "node:fs/promises";
import { parseTrust, type Trust } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";
import type { Command } from "commander";
import { readAccount } from "../account-file.ts";
import { agentHome, requireProfile } from "../agent-file.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { collect } from "./options.ts";

/** Whose word a receipt needs, and whose session fetches it. */
export interface TrustOptions {
  readonly agent?: string;
  readonly agentHome?: string;
  readonly witness?: readonly string[];
}

/** Adds the options that say whom to trust. */
export function addTrustOptions(command: Command): Command {
  return command
    .option(
      "--agent <name>",
      "as this agent of this machine, with the keys pinned in its profile; default: the account's",
    )
    .option("--agent-home <dir>", "where that agent's files lie")
    .option("--witness <vkey>", "trust this witness too; may be repeated", collect);
}

/** The keys pinned by the account or by an agent, with the witnesses named now. */
export async function pinnedTrust(context: Context, options: TrustOptions): Promise<Trust> {
  const pinned =
    options.agent === undefined
      ? (await readAccount(context.home.account))?.trust
      : (await requireProfile(agentHome(context, options.agentHome), options.agent)).trust;
  if (pinned === undefined) {
    const reason = `no log's key is pinned under ${context.home.path}: sign in, or give --agent NAME or --trust FILE`;
    throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
  }
  const trust = { log: pinned.log, witnesses: [...new Set([...pinned.witnesses, ...(options.witness ?? [])])] };
  parseTrust(trust);
  return trust;
}

/** A trust as C2SP tlog-policy text: one cosignature makes a head witnessed, and none is needed for it to be signed. */
export function formatPolicy({ log, witnesses }: Trust): string {
  const lines = witnesses.map((vkey, at) => `witness w${at + 1} ${vkey}`);
  return [`log ${log}`, ...lines, "quorum none", ""].join("\n");
}

/** The text of a file a person names. Throws a UsageError where it cannot be read. */
export async function readNamedFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
}
