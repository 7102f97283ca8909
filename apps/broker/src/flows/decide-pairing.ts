import { AgentKeysError, newIdentifier } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import type { Agent, Pairing } from "../store/commands/pairings.ts";
import { newEvent } from "./event.ts";
import { hashSecret, normalizeCode } from "./secret.ts";

/** What the person sees before deciding. Throws ERR_GRANT_USER_CODE. */
export async function viewPairing(broker: Broker, account: string, userCode: string): Promise<Pairing> {
  const found = await broker.store.write("viewPairing", typed(broker, account, userCode));
  if (found === undefined) throw wrongCode();
  return found;
}

/** Approves: the agent is the account's from here on, without any grant. */
export async function approvePairing(
  broker: Broker,
  account: string,
  userCode: string,
  name: string | undefined,
): Promise<Agent> {
  const id = newIdentifier("agt", broker.random(16));
  const event = newEvent(broker, RecordType.agentPaired, { account, agent: id });
  const decided = await broker.store.write("decidePairing", {
    ...typed(broker, account, userCode),
    agent: { id, event, ...(name === undefined ? {} : { name }) },
  });
  if (decided?.agent === undefined) throw wrongCode();
  await broker.outbox.drain();
  return decided.agent;
}

/** Denies: the agent learns it at its next poll. Throws ERR_GRANT_USER_CODE. */
export async function denyPairing(broker: Broker, account: string, userCode: string): Promise<void> {
  if ((await broker.store.write("decidePairing", typed(broker, account, userCode))) === undefined) throw wrongCode();
}

/** Ends an agent, its sessions and every use of its grants. */
export async function revokeAgent(broker: Broker, account: string, agent: string): Promise<void> {
  await broker.store.write("revokeAgent", {
    account,
    agent,
    now: broker.now(),
    event: newEvent(broker, RecordType.agentRevoked, { account, agent }),
  });
  await broker.outbox.drain();
}

function typed(
  broker: Broker,
  account: string,
  userCode: string,
): { account: string; userCodeHash: string; now: number } {
  return { account, userCodeHash: hashSecret(normalizeCode(userCode)), now: broker.now() };
}

function wrongCode(): AgentKeysError {
  return new AgentKeysError("ERR_GRANT_USER_CODE", "there is no pairing waiting under this code", {});
}
