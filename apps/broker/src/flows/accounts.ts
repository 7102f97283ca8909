import { AgentKeysError, newIdentifier, toCrockford } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import type { Code } from "../store/commands/codes.ts";
import { newEvent } from "./event.ts";
import { notify, notifyOthers } from "./notify.ts";
import { hashSecret, normalizeCode } from "./secret.ts";

const recoveryLife = 86_400_000;

/** A code in the one moment it is known. */
export interface MadeCode {
  readonly code: string;
  readonly row: Code;
}

/** Makes an invite: good once. Throws ERR_AUTH_SIGN_UP where the configuration allows one account alone. */
export async function createInvite(
  broker: Broker,
  ask: { role: "operator" | "member"; expiresIn: number },
): Promise<MadeCode> {
  if (broker.signUp === "first")
    throw new AgentKeysError("ERR_AUTH_SIGN_UP", 'sign_up = "first" allows one account; set "invite"', {});
  return makeCode(broker, { kind: "invite", role: ask.role, account: null, life: ask.expiresIn * 1000 });
}

/** Makes the one recovery code of an account, and tells its addresses. Throws ERR_REQUEST_NOT_FOUND. */
export async function createRecovery(broker: Broker, account: string): Promise<MadeCode> {
  const made = await makeCode(broker, { kind: "recovery", role: null, account, life: recoveryLife });
  notifyOthers(broker, account, undefined, "recovery_code");
  return made;
}

async function makeCode(
  broker: Broker,
  { life, ...facts }: Pick<Code, "kind" | "role" | "account"> & { life: number },
): Promise<MadeCode> {
  const code = toCrockford(broker.random(16)).toUpperCase();
  const createdAt = broker.now();
  const id = newIdentifier("inv", broker.random(16));
  const row: Code = { ...facts, id, hash: hashSecret(normalizeCode(code)), createdAt, expiresAt: createdAt + life };
  await broker.store.write("createCode", { code: row });
  return { code, row };
}

/** Keeps an account from doing anything, or lets it again: from the answer on. Throws ERR_REQUEST_NOT_FOUND, ERR_AUTH_LAST_OPERATOR. */
export async function suspendAccount(broker: Broker, account: string, suspended: boolean): Promise<void> {
  const event = newEvent(broker, RecordType.rightsChanged, {
    account,
    ...(suspended ? { outcome: Outcome.denied, code: "ERR_AUTH_SUSPENDED" } : {}),
  });
  await broker.store.write("suspendAccount", { account, suspended, now: broker.now(), event });
  await broker.outbox.drain();
}

/** Removes an account and all that is known of it; the log keeps records nobody can open. Throws ERR_AUTH_LAST_OPERATOR. */
export async function eraseAccount(broker: Broker, account: string): Promise<void> {
  const told = broker.readings.identitiesOf(account);
  const event = newEvent(broker, RecordType.erased, { account });
  await broker.store.write("eraseAccount", { account, now: broker.now(), event });
  broker.forgetWallet(account);
  notify(broker, told, "erased");
  await broker.outbox.drain();
}
