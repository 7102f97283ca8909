import type { Identity, Json } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import type { Authenticated } from "../steps/authenticate.ts";
import type { IdentityRow } from "../store/commands/identities.ts";
import { newEvent } from "./event.ts";
import { notify, notifyOthers } from "./notify.ts";
import { pollProof, proveInBand, type Pending, type Proof } from "./prove.ts";

/** Links an identity with the answer to a challenge that this session started. Throws ERR_AUTH_CHALLENGE, ERR_AUTH_PROOF, ERR_AUTH_IDENTITY. */
export async function linkByAnswer(
  broker: Broker,
  by: Authenticated,
  input: { challengeId: string; answer: Json },
  requestId: string,
): Promise<IdentityRow> {
  return link(broker, by, await proveInBand(broker, { ...input, linkSession: by.session }, requestId));
}

/** Links what a browser proved for this session, or says that it is not done. Throws ERR_AUTH_CHALLENGE, ERR_AUTH_IDENTITY. */
export async function linkByPoll(broker: Broker, by: Authenticated, pollToken: string): Promise<IdentityRow | Pending> {
  const found = pollProof(broker, { pollToken, thumbprint: by.thumbprint, linkSession: by.session });
  return "status" in found ? found : link(broker, by, found);
}

async function link(broker: Broker, { account, session }: Authenticated, proof: Proof): Promise<IdentityRow> {
  const { challengeId, identity } = proof;
  const now = broker.now();
  const event = newEvent(broker, RecordType.identityLinked, { account });
  await broker.store.write("linkIdentity", { challengeId, session, account, identity, now, event });
  notifyOthers(broker, account, identity, "linked");
  await broker.outbox.drain();
  return { ...identity, account, linkedAt: now, retiredAt: null };
}

/** Takes an identity away for good. Throws ERR_REQUEST_NOT_FOUND, ERR_AUTH_IDENTITY for the last one. */
export async function unlinkIdentity(
  broker: Broker,
  { account, session }: Authenticated,
  identity: Identity,
): Promise<void> {
  const told = broker.readings.identitiesOf(account);
  const event = newEvent(broker, RecordType.identityUnlinked, { account });
  await broker.store.write("unlinkIdentity", { account, session, identity, now: broker.now(), event });
  notify(broker, told, "unlinked");
  await broker.outbox.drain();
}
