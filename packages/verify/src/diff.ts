import { equalBytes } from "@agentkeys/log";
import { brokenVerdict, invalidLog, type BrokenVerdict } from "./audit-verdict.ts";
import { makeForkProof, verifyForkProof, type ForkProof } from "./fork-proof.ts";
import { verifyHead, type VerifiedHead } from "./head.ts";
import { invalid, reasonOf } from "./invalid.ts";
import { readCheckpoint, type LogReader } from "./log-reader.ts";
import { PrefixReader } from "./prefix.ts";
import type { TrustPolicy } from "./trust-policy.ts";
import type { InvalidVerdict } from "./verdict.ts";

/** What two signed heads of one log come to. */
export type DiffVerdict = InvalidVerdict | BrokenVerdict | ComparedVerdict;

/** Two heads that do not contradict each other. */
export interface ComparedVerdict {
  /** CONSISTENT: the larger is an append to the smaller. UNDECIDED: of two sizes, and no tiles to tell by. */
  readonly level: "CONSISTENT" | "UNDECIDED";
  readonly origin: string;
  /** The smaller one first. */
  readonly sizes: readonly [number, number];
  /** In plain words. */
  readonly notProven: readonly string[];
}

/**
 * Compares two signed heads of one log. Of one size they have to be the same; of two, `log` lends the tiles to tell by, and its own
 * newest head joins the comparison. What does not hold is a verdict, not an exception.
 *
 * @example
 * const verdict = await diffHeads(noteOfAlice, noteOfBob, trust, reader); // FORKED, with a proof that anyone can check
 */
export async function diffHeads(one: string, other: string, trust: TrustPolicy, log?: LogReader): Promise<DiffVerdict> {
  try {
    const heads = [await verifyHead(one, trust), await verifyHead(other, trust)] as const;
    const [smaller, larger] = heads[0].size <= heads[1].size ? heads : [heads[1], heads[0]];
    if (smaller.origin !== larger.origin)
      throw invalid(`the heads are of two logs, ${smaller.origin} and ${larger.origin}`);
    if (smaller.size === larger.size && !equalBytes(smaller.root, larger.root)) return forked(smaller, larger);
    if (log !== undefined) return await diffByTiles(smaller, larger, trust, log);
    return compared(smaller.size === larger.size ? "CONSISTENT" : "UNDECIDED", smaller, larger);
  } catch (error) {
    return invalidBy(error);
  }
}

/** The verdict on a fork proof: FORKED where it holds, else INVALID. */
export async function judgeForkProof(proof: ForkProof, trust: TrustPolicy): Promise<DiffVerdict> {
  try {
    const [smaller, larger] = await verifyForkProof(proof, trust);
    return brokenVerdict("FORKED", describeFork(smaller, larger), [smaller, larger], proof);
  } catch (error) {
    return invalidBy(error);
  }
}

async function diffByTiles(
  smaller: VerifiedHead,
  larger: VerifiedHead,
  trust: TrustPolicy,
  log: LogReader,
): Promise<DiffVerdict> {
  const newest = await verifyHead(await readCheckpoint(log), trust);
  if (newest.origin !== larger.origin)
    throw invalid(`the heads are of ${larger.origin}, and the log is ${newest.origin}`);
  if (newest.size < larger.size) {
    return brokenVerdict("REWOUND", `the log has ${newest.size} records and signed a head over ${larger.size}`, [
      larger,
      newest,
    ]);
  }
  const prefixes = new PrefixReader(log, newest);
  for (const head of [larger, smaller]) {
    const prefix = await prefixes.read(head.size);
    if (!equalBytes(prefix.root, head.root)) {
      return brokenVerdict("FORKED", describeFork(head, newest), [head, newest], makeForkProof(head, newest, prefix));
    }
  }
  return compared("CONSISTENT", smaller, larger);
}

function forked(smaller: VerifiedHead, larger: VerifiedHead): DiffVerdict {
  return brokenVerdict("FORKED", describeFork(smaller, larger), [smaller, larger], makeForkProof(smaller, larger));
}

function describeFork(smaller: VerifiedHead, larger: VerifiedHead): string {
  return smaller.size === larger.size
    ? `the log signed two heads over ${smaller.size} records with two roots`
    : `the log signed a head over ${larger.size} records whose first ${smaller.size} are not those of its head over ${smaller.size}`;
}

function compared(level: ComparedVerdict["level"], smaller: VerifiedHead, larger: VerifiedHead): ComparedVerdict {
  const { origin } = smaller;
  return {
    level,
    origin,
    sizes: [smaller.size, larger.size],
    notProven: [
      ...(level === "UNDECIDED"
        ? [
            "That the larger head is an append to the smaller: two sizes cannot be compared without the log's tiles (--log).",
          ]
        : []),
      "That a third reader was not shown another log.",
      "What the records are: only heads and hashes were compared.",
    ],
  };
}

function invalidBy(error: unknown): InvalidVerdict {
  const reason = reasonOf(error);
  if (reason === undefined) throw error;
  return invalidLog(reason);
}
