import { parseReceipt, parseTlogProof, verifyReceipt, type Holder, type Receipt } from "@agentkeys/log";
import { verifyEvidence, type Verifiers } from "./evidence.ts";
import { verifyHead } from "./head.ts";
import { reasonOf } from "./invalid.ts";
import { countFinal } from "./requirement.ts";
import { epochOf } from "./trust-epochs.ts";
import type { TrustPolicy } from "./trust-policy.ts";
import {
  closedFields,
  invalidVerdict,
  readFacts,
  type CountedAnchor,
  type ReceiptFacts,
  type ValidVerdict,
  type Verdict,
} from "./verdict.ts";

/** What a verifier may know beside the policy. */
export interface VerifyOptions {
  /** What is known of the credential in hand: the receipt then has to be of this very credential. */
  readonly holder?: Holder;
  /** `verifyOffline` of the packages that the trust files name, by package: without one an anchor's evidence is not checked. */
  readonly verifiers?: Verifiers;
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
    return await judge(parseReceipt(receiptText), trust, options);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return invalidVerdict(reason);
  }
}

async function judge(receipt: Receipt, trust: TrustPolicy, { holder, verifiers }: VerifyOptions): Promise<Verdict> {
  const { note } = parseTlogProof(receipt.tlogProof);
  const head = await verifyHead(note, trust);
  const [log] = head.keys;
  if (log === undefined) return invalidVerdict("no log of the policy signed this head");
  const verified = await verifyReceipt(receipt, { log }, holder);
  const anchors = new Map<string, CountedAnchor>();
  for (const evidence of receipt.anchors) {
    const holds = await verifyEvidence(head, evidence, epochOf(trust, head.origin), verifiers, note);
    if (holds === false) return invalidVerdict(`the evidence of ${evidence.anchor} does not hold for this head`);
    if (holds === true) anchors.set(evidence.anchor, { name: evidence.anchor, finality: evidence.finality });
  }
  const { witnesses, quorumMet } = head;
  const counted = [...anchors.values()];
  const verdict = {
    level: countFinal(counted) > 0 ? "ANCHORED" : quorumMet && witnesses.length > 0 ? "WITNESSED" : "SIGNED",
    witnesses,
    quorumMet,
    anchors: counted,
    facts: readFacts(verified),
  } as const;
  return { ...verdict, notProven: listUnproven(verdict, receipt, holder) };
}

function listUnproven(
  { level, witnesses, anchors, facts }: Omit<ValidVerdict, "notProven">,
  receipt: Receipt,
  holder: Holder | undefined,
): string[] {
  const unchecked = receipt.anchors.filter(({ anchor }) => !anchors.some(({ name }) => name === anchor));
  return [
    level !== "SIGNED"
      ? `That the ${level === "ANCHORED" ? "anchors" : "witnesses"} are independent of the broker: choosing them is the policy's part.`
      : `That everyone is shown this same log: ${countWitnesses(witnesses.length)}, so the broker alone could show others another one.`,
    ...unopened(facts),
    ...(holder === undefined
      ? ["That it is of the credential in your hand: no holder was given to compare with."]
      : []),
    "That the credential still holds, or was used: a revocation or a use is another record.",
    "That nothing else was issued: a receipt is about one record.",
    "That the record's time is right: it is by the broker's clock.",
    ...(unchecked.length > 0
      ? [
          `What its evidence of ${unchecked.length} anchors says: it was not checked, your trust files name no verifier at hand.`,
        ]
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
