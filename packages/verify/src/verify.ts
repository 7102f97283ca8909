import { isAgentKeysError } from "@agentkeys/core";
import {
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseTlogProof,
  toHex,
  verifyReceipt,
  type Holder,
  type NoteKey,
  type Receipt,
} from "@agentkeys/log";
import { isQuorumMet, type TrustPolicy } from "./trust-policy.ts";
import {
  closedFields,
  invalidVerdict,
  readFacts,
  type ReceiptFacts,
  type ValidVerdict,
  type Verdict,
} from "./verdict.ts";

/** What a verifier may know beside the policy. */
export interface VerifyOptions {
  /** What is known of the credential in hand: the receipt then has to be of this very credential. */
  readonly holder?: Holder;
}

/**
 * Verifies the JSON text of a receipt offline, under a policy: entry, leaf, signature of the log, inclusion, cosignatures,
 * openings. A receipt that does not hold is a verdict (INVALID), not an exception.
 *
 * @example
 * const verdict = await verify(receiptText, parseTrustPolicy(policyText), { holder });
 */
export async function verify(receiptText: string, trust: TrustPolicy, options: VerifyOptions = {}): Promise<Verdict> {
  try {
    return await judge(parseReceipt(receiptText), trust, options.holder);
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_RECEIPT") || isAgentKeysError(error, "ERR_AUDIT_PROOF")) {
      return invalidVerdict(error.facts.reason);
    }
    throw error;
  }
}

async function judge(receipt: Receipt, trust: TrustPolicy, holder: Holder | undefined): Promise<Verdict> {
  const log = findLog(receipt, trust.logs);
  if (log === undefined) return invalidVerdict("no log of the policy signed this head");
  const verified = await verifyReceipt(receipt, { log, witnesses: trust.witnesses.map(({ key }) => key) }, holder);
  const witnesses = trust.witnesses.flatMap(({ name, key }) => {
    const cosignature = verified.cosignatures.find((candidate) => candidate.key === key);
    return cosignature === undefined ? [] : [{ name, timestamp: cosignature.timestamp }];
  });
  const quorumMet = isQuorumMet(trust, new Set(witnesses.map(({ name }) => name)));
  const facts = readFacts(verified);
  const level = quorumMet && witnesses.length > 0 ? "WITNESSED" : "SIGNED";
  const verdict = { level, witnesses, quorumMet, facts } as const;
  return { ...verdict, notProven: listUnproven(verdict, receipt, holder) };
}

/** The log of the policy whose name is the head's origin and whose id stands at one of its signatures. */
function findLog(receipt: Receipt, logs: readonly NoteKey[]): NoteKey | undefined {
  const { text, signatures } = parseNote(parseTlogProof(receipt.tlogProof).note);
  const { origin } = parseCheckpoint(text);
  const signed = new Set(signatures.map(({ name, id }) => `${name} ${toHex(id)}`));
  return logs.find(({ name, id }) => name === origin && signed.has(`${name} ${toHex(id)}`));
}

function listUnproven(
  { level, witnesses, facts }: Omit<ValidVerdict, "notProven">,
  receipt: Receipt,
  holder: Holder | undefined,
): string[] {
  return [
    level === "WITNESSED"
      ? "That the witnesses are independent of the broker: choosing them is the policy's part."
      : `That everyone is shown this same log: ${countWitnesses(witnesses.length)}, so the broker alone could show others another one.`,
    ...unopened(facts),
    ...(holder === undefined
      ? ["That it is of the credential in your hand: no holder was given to compare with."]
      : []),
    "That the credential still holds, or was used: a revocation or a use is another record.",
    "That nothing else was issued: a receipt is about one record.",
    "That the record's time is right: it is by the broker's clock.",
    ...(receipt.anchors.length > 0
      ? [`What its evidence of ${receipt.anchors.length} anchors says: it was not checked.`]
      : []),
  ];
}

function countWitnesses(count: number): string {
  return count === 0
    ? "no witness of the policy cosigned this head"
    : `${count} cosigned this head, less than the policy's quorum`;
}

function unopened(facts: ReceiptFacts): string[] {
  const closed = closedFields(facts);
  return closed.length === 0
    ? []
    : [`The record's ${closed.join(", ")}: committed to, but not opened by this receipt.`];
}
