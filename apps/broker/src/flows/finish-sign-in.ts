import { omniAccount, type Json } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import { newEvent } from "./event.ts";
import { notifyOthers } from "./notify.ts";
import { pollProof, proveInBand, type Pending, type Proof } from "./prove.ts";
import { issueTokens, planSession, type SessionTokens } from "./session.ts";

/** Finishes an in-band sign-in with a session bound to the key of the proof. */
export async function finishSignIn(
  broker: Broker,
  input: { method: string; challengeId: string; answer: Json; thumbprint: string },
  requestId: string,
): Promise<SessionTokens> {
  return complete(broker, await proveInBand(broker, { ...input, linkSession: null }, requestId), input.thumbprint);
}

/** What a poll finds: still pending, or (once) the session. */
export async function pollSignIn(
  broker: Broker,
  input: { pollToken: string; thumbprint: string },
): Promise<SessionTokens | Pending> {
  const found = pollProof(broker, { ...input, linkSession: null });
  return "status" in found ? found : complete(broker, found, input.thumbprint);
}

async function complete(broker: Broker, proof: Proof, thumbprint: string): Promise<SessionTokens> {
  const { challengeId, identity, amr, provenAt } = proof;
  const { session, refreshToken } = planSession(broker, {
    thumbprint,
    clientId: broker.clients[0] ?? "agentkeys",
    amr,
    authTime: provenAt,
  });
  const { account, by } = await broker.store.write("completeSignIn", {
    challengeId,
    identity,
    omni: omniAccount(identity),
    signUp: broker.signUp,
    now: broker.now(),
    session,
    events: {
      created: newEvent(broker, RecordType.accountCreated, {}),
      recovered: newEvent(broker, RecordType.recovered, {}),
      claimed: newEvent(broker, RecordType.rightsChanged, {}),
      signedIn: newEvent(broker, RecordType.signIn, {}),
    },
  });
  if (by === "claim") broker.onClaimed();
  if (by === "recovery") notifyOthers(broker, account, identity, "recovered");
  await broker.outbox.drain();
  return issueTokens(broker, session, refreshToken, { account });
}
