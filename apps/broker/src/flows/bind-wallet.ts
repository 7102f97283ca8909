import type { Json, WalletHandle } from "@agentkeys/core";
import { RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import { instant } from "../json/instant.ts";
import { newEvent } from "./event.ts";

/** Starts binding a wallet to the account. */
export async function startBinding(
  broker: Broker,
  account: string,
  ask: Json,
  requestId: string,
): Promise<Record<string, Json>> {
  const challenge = await broker.wallet.start(account, ask, requestId);
  return { ...challenge.public, challenge_id: challenge.id, expires_at: instant(challenge.expiresAt) };
}

/** Binds it when the proof holds, and records it. */
export async function finishBinding(
  broker: Broker,
  account: string,
  answer: Json,
  requestId: string,
): Promise<WalletHandle> {
  const handle = await broker.wallet.provision(account, answer, requestId);
  broker.forgetWallet(account);
  await broker.store.write("recordEvents", {
    events: [newEvent(broker, RecordType.walletBound, { account, wallet: handle.address })],
  });
  await broker.outbox.drain();
  return handle;
}
