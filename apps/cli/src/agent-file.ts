import { resolve } from "node:path";
import { formatProfile, openAgent, parseProfile, type Agent, type AgentProfile, type Trust } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";
import { assertSameBroker, type Context } from "./context.ts";
import { withFileLock } from "./file-lock.ts";
import { homeAt, type Home } from "./home.ts";
import { readPrivate, writePrivate } from "./private-file.ts";
import { assertName } from "./wallet/wallet-store.ts";

/** Where an agent's files lie: under `--agent-home` where it is given. */
export function agentHome(context: Context, folder: string | undefined): Home {
  return folder === undefined ? context.home : homeAt(resolve(folder));
}

/** The profile of an agent of this machine, or undefined. */
export async function findProfile(home: Home, name: string): Promise<AgentProfile | undefined> {
  assertName("agent", name);
  const text = await readPrivate(home.agent(name));
  return text === undefined ? undefined : parseProfile(text);
}

/** The profile of an agent of this machine. Throws ERR_CONFIG_PROFILE where there is none. */
export async function requireProfile(home: Home, name: string): Promise<AgentProfile> {
  const profile = await findProfile(home, name);
  if (profile !== undefined) return profile;
  const reason = `no agent ${JSON.stringify(name)} is paired under ${home.path}`;
  throw new AgentKeysError("ERR_CONFIG_PROFILE", `${reason}: run \`agentkeys agents pair --name ${name}\``, { reason });
}

/** Stores a profile; it survives a crash once this resolves. */
export async function writeProfile(home: Home, name: string, profile: AgentProfile): Promise<void> {
  await writePrivate(home.agent(name), formatProfile(profile));
}

/** An agent of this machine at work; renewed sessions go back into its profile, one process at a time. */
export async function openStoredAgent(context: Context, home: Home, name: string, trust?: Trust): Promise<Agent> {
  const profile = await requireProfile(home, name);
  assertSameBroker(context, profile.broker);
  return openAgent(profile, {
    save: async (renewed) => writeProfile(home, name, renewed),
    exclusively: async (work) =>
      withFileLock(`${home.agent(name)}.lock`, async () => work((await findProfile(home, name))?.session)),
    trust,
  });
}
