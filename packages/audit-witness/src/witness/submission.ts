import { AgentKeysError } from "@agentkeys/core";
import { fromBase64, parseCheckpoint, parseNote, type Checkpoint, type Note } from "@agentkeys/log";

/** The body of `add-checkpoint`, taken apart; nothing in it is verified. */
export interface Submission {
  readonly old: number;
  readonly proof: readonly Uint8Array[];
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

const mostProofLines = 63;

/**
 * Takes a request body apart: `old` and a size, at most 63 hashes in base64, an empty line, a signed checkpoint (C2SP
 * tlog-witness). Throws ERR_AUDIT_PROOF for any other form.
 */
export function parseSubmission(body: string): Submission {
  const end = body.indexOf("\n\n");
  const [first = "", ...lines] = body.slice(0, Math.max(end, 0)).split("\n");
  const [, size] = /^old (0|[1-9][0-9]{0,15})$/u.exec(first) ?? [];
  const old = Number(size ?? Number.NaN);
  if (!Number.isSafeInteger(old))
    throw refuse("it does not begin with `old`, a size and an empty line below the proof");
  if (lines.length > mostProofLines) throw refuse(`the proof has more than ${mostProofLines} lines`);
  const proof = lines.map(fromBase64);
  if (proof.some((hash) => hash.length !== 32)) throw refuse("a line of the proof is not a hash");
  const note = parseNote(body.slice(end + 2));
  return { old, proof, note, checkpoint: parseHead(note.text) };
}

/** The first three lines of checkpoint text. Extension lines, which other logs may have, are passed over. */
export function parseHead(text: string): Checkpoint {
  const [origin = "", size = "", root = "", ...extensions] = text.split("\n");
  if (extensions.pop() !== "" || extensions.includes("")) throw refuse("an extension line is empty");
  return parseCheckpoint(`${origin}\n${size}\n${root}\n`);
}

function refuse(reason: string): AgentKeysError<"ERR_AUDIT_PROOF"> {
  return new AgentKeysError("ERR_AUDIT_PROOF", `not an add-checkpoint request: ${reason}`, { reason });
}
