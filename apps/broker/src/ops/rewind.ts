import { AgentKeysError, type LogEpoch } from "@agentkeys/core";
import {
  fromBase64,
  isConsistency,
  parseCheckpoint,
  parseNote,
  parseVkey,
  toBase64,
  verifyLine,
  type Checkpoint,
} from "@agentkeys/log";
import type { AnchorFacade } from "../facade/anchor.ts";
import type { LogFacade } from "../facade/log.ts";
import type { HighWaterFile } from "./high-water.ts";
import type { Logger } from "./logger.ts";

interface RewindParts {
  readonly log: LogFacade;
  readonly anchors: readonly Pick<AnchorFacade, "name" | "head">[];
  readonly file: HighWaterFile;
  readonly logger: Logger;
}

/**
 * Before anything is served: refuses a log that is shorter than one seen before (ERR_AUDIT_REWOUND) or has another past
 * (ERR_AUDIT_FORK), by the high-water file and by every anchor that answers in time; a high-water file that is missing, damaged or of
 * another log is ERR_AUDIT_HIGH_WATER. Then the file stands at the log's head.
 */
export async function assertNotRewound({ log, anchors, file, logger }: RewindParts): Promise<void> {
  const head = await log.head("boot");
  const here = checkpointOf(head.note);
  const told = await log.epochs("boot");
  const epochs = told.length > 0 ? told : [{ ...head, vkeys: [head.vkey] }];
  const kept = await file.read();
  if (kept === undefined) assertEmpty(here, file.path);
  else await assertExtends(here, await readKept(kept, epochs, file.path), epochs, log, file.path);
  await Promise.all(
    anchors.map(async (anchor) => {
      const there = await anchor.head(head.logId, "boot").catch((error: unknown) => {
        logger.warn("anchor.unreachable_at_start", { anchor: anchor.name, reason: String(error) });
        return undefined;
      });
      if (there !== undefined && there > here.size) throw rewound(`audit.${anchor.name}`, here.size, there);
    }),
  );
  if (kept !== head.note) await file.write(head.note);
}

function assertEmpty(here: Checkpoint, path: string): void {
  if (here.size === 0) return;
  throw unusable(path, `it is missing, and the log has ${here.size} records`);
}

/** The head in the file, shown to be signed by a key of its epoch. */
async function readKept(note: string, epochs: readonly LogEpoch[], path: string): Promise<Checkpoint> {
  let kept: Checkpoint;
  try {
    kept = checkpointOf(note);
  } catch {
    throw unusable(path, "it is damaged");
  }
  const epoch = epochs.find(({ origin }) => origin === kept.origin);
  if (epoch === undefined) throw unusable(path, `it is of the log ${kept.origin}, which is no epoch of this one`);
  if (!(await isSignedBy(note, epoch.vkeys))) throw unusable(path, "no key of this log has signed it");
  return kept;
}

/** True when one of the keys has signed the note. */
export async function isSignedBy(note: string, vkeys: readonly string[]): Promise<boolean> {
  const { text, signatures } = parseNote(note);
  const checks = vkeys.flatMap((vkey) => signatures.map(({ line }) => verifyLine(text, line, parseVkey(vkey))));
  return (await Promise.all(checks)).some((verified) => verified !== undefined);
}

async function assertExtends(
  here: Checkpoint,
  kept: Checkpoint,
  epochs: readonly LogEpoch[],
  log: LogFacade,
  path: string,
): Promise<void> {
  // An earlier epoch: the process ended between the start of this one and the first write of the file.
  const size =
    kept.origin === here.origin ? here.size : (epochs.find(({ origin }) => origin === kept.origin)?.size ?? 0);
  if (kept.size > size) throw rewound(path, size, kept.size);
  if (kept.origin !== here.origin || kept.size === 0) return;
  const proof = kept.size === size ? [] : await log.prove(kept.size, size, "boot");
  if (isConsistency(kept.size, size, kept.root, here.root, proof.map(fromBase64))) return;
  const reason = `the log of ${size} records (root ${toBase64(here.root)}) does not extend the ${kept.size} (root ${toBase64(kept.root)}) of ${path}`;
  throw new AgentKeysError("ERR_AUDIT_FORK", reason, { reason });
}

/** The checkpoint that a signed note is about. Throws ERR_AUDIT_PROOF. */
export function checkpointOf(note: string): Checkpoint {
  return parseCheckpoint(parseNote(note).text);
}

function rewound(witness: string, here: number, there: number): AgentKeysError {
  const told = `${witness} has seen ${there} records of this log, here are ${here}`;
  return new AgentKeysError("ERR_AUDIT_REWOUND", told, { witness, here, there });
}

function unusable(path: string, reason: string): AgentKeysError {
  return new AgentKeysError("ERR_AUDIT_HIGH_WATER", `${path}: ${reason}`, { path, reason });
}
