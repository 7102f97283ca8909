import type { Agent, CredentialAsk, IssuedCredential } from "@agentkeys/client";
import { writePrivate } from "./private-file.ts";

/** A credential, and the file its verified receipt was stored in. */
export interface ReceiptedCredential {
  readonly issued: IssuedCredential;
  readonly receipt: string;
}

/** Asks for a credential and stores its verified receipt, under the path for its record, before handing it out. */
export async function requestReceipted(
  agent: Agent,
  ask: CredentialAsk,
  receiptPath: (record: string) => string,
): Promise<ReceiptedCredential> {
  const issued = await agent.requestCredential(ask);
  const receipt = receiptPath(issued.record);
  await writePrivate(receipt, `${issued.receipt}\n`);
  return { issued, receipt };
}
