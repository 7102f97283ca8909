import { toBase64, type Checkpoint } from "@agentkeys/log";
import type { ForkProof } from "./fork-proof.ts";
import type { VerifiedHead } from "./head.ts";
import type { LogRecords } from "./log-records.ts";
import { invalidVerdict, type CountedWitness, type InvalidVerdict } from "./verdict.ts";

/** What reading a whole log comes to. */
export type AuditVerdict = InvalidVerdict | BrokenVerdict | SoundVerdict;

/** The log signed what it cannot have signed, if it only ever grew. */
export interface BrokenVerdict {
  /** FORKED: two heads of which neither is an append to the other. REWOUND: a head smaller than one before it. */
  readonly level: "FORKED" | "REWOUND";
  readonly reason: string;
  /** Both signed heads, verbatim, where there are two. */
  readonly notes: readonly string[];
  /** What anyone can check of a fork, offline. */
  readonly proof?: ForkProof;
  /** In plain words. */
  readonly notProven: readonly string[];
}

/** Every leaf was hashed again, and the log is the one it signed. */
export interface SoundVerdict {
  readonly level: "SIGNED" | "WITNESSED" | "ANCHORED";
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The newest signed head, verbatim: keep it, to compare with next time. */
  readonly note: string;
  readonly witnesses: readonly CountedWitness[];
  readonly quorumMet: boolean;
  /** Undefined where the entries were not read. */
  readonly records?: LogRecords;
  /** Keys that the log rotated in and that the trust files do not have: add them. */
  readonly newKeys: readonly string[];
  readonly anchors: readonly AuditedAnchor[];
  /** Size of the head kept from before, that this log, or the epoch that it goes on from, is an append to. */
  readonly since?: number;
  /** The epoch before, where this log has one: `checked` when its own tiles and head say the same. */
  readonly link?: Checkpoint & { readonly checked: boolean };
  /** In plain words. */
  readonly notProven: readonly string[];
}

/** What the log says that an anchor has taken of it; every head of these lies on the one timeline. */
export interface AuditedAnchor {
  readonly name: string;
  /** How many heads. */
  readonly heads: number;
  /** Size of the largest. */
  readonly size: number;
  /** Size of the largest whose evidence holds and is final; 0 without one. */
  readonly finalSize: number;
}

/** The verdict on a log that signed two heads which do not go together. */
export function brokenVerdict(
  level: BrokenVerdict["level"],
  reason: string,
  heads: readonly VerifiedHead[],
  proof?: ForkProof,
): BrokenVerdict {
  const unproven =
    level === "FORKED" ? ["Which of the two is the true one."] : ["What the records were that are gone."];
  return {
    level,
    reason,
    notes: heads.map(({ note }) => note),
    ...(proof === undefined ? {} : { proof }),
    notProven: [...unproven, "Whether a person or an accident did it: a restored backup looks the same."],
  };
}

/** The verdict on a log that does not hold. */
export function invalidLog(reason: string): InvalidVerdict {
  return {
    ...invalidVerdict(reason),
    notProven: ["Anything: of a log that does not hold, or cannot be read, nothing is proven."],
  };
}

/** What a sound log still does not prove, in plain words. */
export function listLogUnproven(
  verdict: Omit<SoundVerdict, "notProven">,
  linkFault: string | undefined,
  kept: VerifiedHead | undefined,
): string[] {
  const { level, size, records, anchors, since, link } = verdict;
  const finalSize = Math.max(0, ...anchors.map((anchor) => anchor.finalSize));
  const unchecked = anchors.filter((anchor) => anchor.finalSize === 0);
  return [
    ...(level === "SIGNED"
      ? [
          "That everyone is shown this same log: no quorum of witnesses cosigned this head, no final evidence was checked.",
        ]
      : []),
    ...(level === "ANCHORED" && finalSize < size
      ? [`That everyone is shown the records from ${finalSize} on: the last head with final evidence ends before them.`]
      : []),
    ...(records === undefined
      ? ["What the entries are: only their hashes were read. With an auditor's token they are read too."]
      : []),
    ...(unchecked.length > 0
      ? [
          `What ${unchecked.map(({ name }) => name).join(", ")} really has: your trust files name no verifier, or nothing is final.`,
        ]
      : []),
    ...(since === undefined
      ? [
          `That it is the log you saw before: ${kept === undefined ? "no head kept from then was given" : "the head kept from then is of the epoch before, which was not read"}.`,
        ]
      : []),
    ...(link !== undefined && !link.checked
      ? [
          `That it goes on from ${link.origin} at ${link.size}, root ${toBase64(link.root)}: ${linkFault ?? "it was not read"}.`,
        ]
      : []),
    ...(records !== undefined && records.lateIds > 0
      ? [`That ${records.lateIds} ids are unique: they came later than 262,144 newer ones.`]
      : []),
    "That everything which happened was recorded: a log can only show what is in it.",
    "That a record's time is right: it is by the broker's clock.",
    "What the records' committed fields are: account, agent, scope, grant and credential open only to who has the openings.",
  ];
}
