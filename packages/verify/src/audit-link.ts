import { equalBytes, toBase64, type Checkpoint } from "@agentkeys/log";
import { brokenVerdict, type BrokenVerdict } from "./audit-verdict.ts";
import { verifyHead, type VerifiedHead } from "./head.ts";
import { invalid, reasonOf } from "./invalid.ts";
import { readCheckpoint, type LogReader } from "./log-reader.ts";
import type { LogRecords } from "./log-records.ts";
import { PrefixReader } from "./prefix.ts";
import { epochOf } from "./trust-epochs.ts";
import type { TrustPolicy } from "./trust-policy.ts";

/** How a log hangs on the epoch before it. */
export interface EpochLink {
  /** What entry 0 says of the epoch before. */
  readonly genesis?: Checkpoint;
  /** Why it is only said, and not checked with the epoch's own head and tiles. */
  readonly fault?: string;
  /** The epoch before was longer, or another one. */
  readonly broken?: BrokenVerdict;
}

/** What there is to check a link with. */
export interface LinkTools {
  /** A head of another origin that was kept from an earlier audit. */
  readonly kept: VerifiedHead | undefined;
  readonly reader: ((origin: string) => LogReader | undefined) | undefined;
}

/** Checks that a log goes on where the epoch before ended. Throws ERR_AUDIT_PROOF when what it says of that cannot be true. */
export async function checkLink(
  head: VerifiedHead,
  records: LogRecords | undefined,
  trust: TrustPolicy,
  { kept, reader }: LinkTools,
): Promise<EpochLink> {
  const genesis = records?.genesis;
  if (records !== undefined) checkGenesis(head.origin, records, trust);
  if (kept !== undefined && genesis?.origin !== kept.origin) {
    const entries =
      records === undefined ? "; that this log goes on from it stands in its entry 0, which was not read" : "";
    throw invalid(
      `the head kept from before is of ${kept.origin}, which is not this log nor the epoch before${entries}`,
    );
  }
  if (genesis === undefined) return {};
  if (kept !== undefined && kept.size > genesis.size) {
    const reason = `the log goes on from ${genesis.size} records of the epoch before, which had ${kept.size}`;
    return { genesis, broken: brokenVerdict("REWOUND", reason, [kept, head]) };
  }
  if (kept?.size === genesis.size && !equalBytes(kept.root, genesis.root)) {
    return {
      genesis,
      broken: brokenVerdict("FORKED", "the log goes on from another epoch than the one kept", [kept, head]),
    };
  }
  const log = reader?.(genesis.origin);
  if (log === undefined) return { genesis, fault: "the tiles of that epoch were not at hand" };
  let old: VerifiedHead;
  try {
    old = await verifyHead(await readCheckpoint(log), trust);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return { genesis, fault: reason };
  }
  return compareEpochs(genesis, old, head, new PrefixReader(log, old), kept);
}

async function compareEpochs(
  genesis: Checkpoint,
  old: VerifiedHead,
  head: VerifiedHead,
  prefixes: PrefixReader,
  kept: VerifiedHead | undefined,
): Promise<EpochLink> {
  if (old.origin !== genesis.origin) return { genesis, fault: `what was read in its place is ${old.origin}` };
  if (old.size < genesis.size) {
    const reason = `the log goes on from ${genesis.size} records of the epoch before, which now has ${old.size}`;
    return { genesis, broken: brokenVerdict("REWOUND", reason, [head, old]) };
  }
  if (!equalBytes((await prefixes.read(genesis.size)).root, genesis.root)) {
    const reason = `the log goes on from root ${toBase64(genesis.root)}, which the epoch before never had`;
    return { genesis, broken: brokenVerdict("FORKED", reason, [old, head]) };
  }
  if (kept !== undefined && !equalBytes((await prefixes.read(kept.size)).root, kept.root)) {
    return { genesis, broken: brokenVerdict("FORKED", "the epoch before is not the one kept", [kept, old]) };
  }
  return { genesis };
}

function checkGenesis(origin: string, { genesis }: LogRecords, trust: TrustPolicy): void {
  const number = Number(/\/audit\/[0-9a-hjkmnp-tv-z]{8}\/([1-9][0-9]*)$/u.exec(origin)?.[1] ?? 0);
  if (number > 1 && genesis === undefined) throw invalid("entry 0 does not say which epoch it goes on from");
  if (number === 1 && genesis !== undefined) throw invalid("entry 0 says that the first epoch goes on from another");
  const previous = epochOf(trust, origin)?.previous;
  if (previous !== undefined && genesis?.origin !== previous) {
    throw invalid(`entry 0 goes on from ${genesis?.origin ?? "nothing"}, and your trust files say from ${previous}`);
  }
}
