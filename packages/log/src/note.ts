import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { equalBytes, fromBase64, fromHex, isCount, toBase64, toHex } from "./encoding.ts";
import { proofError } from "./errors.ts";
import { verifyEd25519 } from "./ed25519.ts";

/** Public key of a note signer: 1 = Ed25519 (C2SP signed-note), 4 = timestamped cosignature (C2SP tlog-cosignature). */
export interface NoteKey {
  readonly name: string;
  /** 4 bytes: SHA-256(name ‖ newline ‖ algorithm ‖ public key), cut. */
  readonly id: Uint8Array;
  readonly algorithm: 1 | 4;
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array;
}

/** One signature line of a note, taken apart; not verified. */
export interface NoteSignature {
  readonly name: string;
  readonly id: Uint8Array;
  /** What follows the key id. */
  readonly signature: Uint8Array;
  /** The whole line with its newline, as it stands in the note. */
  readonly line: string;
}

/** Signs bytes with an Ed25519 key: 64 bytes. */
export type Sign = (bytes: Uint8Array) => Uint8Array;

/** A note taken apart; nothing in it is verified. */
export interface Note {
  /** The signed text with its final newline, without the empty line. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const mostSignatures = 64;
const longestNote = 262_144;

/** The key of a C2SP vkey `name+id+key`. Throws ERR_AUDIT_PROOF; other algorithms than 1 and 4 are refused. */
export function parseVkey(text: string): NoteKey {
  const [, name = "", id = "", key = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text) ?? [];
  assertName(name);
  const [algorithm, ...publicKey] = fromBase64(key);
  if ((algorithm !== 1 && algorithm !== 4) || publicKey.length !== 32) throw proofError("a vkey is not of Ed25519");
  const made = makeKey(name, algorithm, Uint8Array.from(publicKey));
  if (!equalBytes(made.id, fromHex(id))) throw proofError("the vkey's id is not that of its key");
  return made;
}

/** The vkey text of a public key. */
export function formatVkey(name: string, algorithm: 1 | 4, publicKey: Uint8Array): string {
  assertName(name);
  if (publicKey.length !== 32) throw proofError("the public key is not 32 bytes");
  return `${name}+${toHex(makeKey(name, algorithm, publicKey).id)}+${toBase64(concatBytes(Uint8Array.of(algorithm), publicKey))}`;
}

function makeKey(name: string, algorithm: 1 | 4, publicKey: Uint8Array): NoteKey {
  const id = sha256(concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(algorithm), publicKey)).slice(0, 4);
  return { name, id, algorithm, publicKey };
}

/**
 * Takes a signed note apart (C2SP signed-note): text, empty line, signature lines. Throws ERR_AUDIT_PROOF for anything that is
 * not of that form, has no signature, more than 64 of them, or is over 256 KiB.
 */
export function parseNote(note: string): Note {
  if (note.length > longestNote) throw proofError("the note is too long");
  if (!note.isWellFormed() || /[^\n -\u{10ffff}]/u.test(note)) throw proofError("the note has control characters");
  const end = note.lastIndexOf("\n\n");
  const lines = note.slice(end + 2).split("\n");
  if (end < 0 || lines.pop() !== "") throw proofError("the note is not text, empty line and signature lines");
  if (lines.length === 0 || lines.length > mostSignatures) throw proofError("the note has no signature or too many");
  return { text: note.slice(0, end + 1), signatures: lines.map((line) => parseLine(`${line}\n`)) };
}

function parseLine(line: string): NoteSignature {
  const [, name = "", base64 = ""] = /^— ([^ ]+) ([^ ]+)\n$/u.exec(line) ?? [];
  assertName(name);
  const blob = fromBase64(base64);
  if (blob.length < 5) throw proofError("a signature is too short");
  return { name, id: blob.slice(0, 4), signature: blob.slice(4), line };
}

/** The signature line of a key, with its newline: em dash, name, base64 of id and signature. */
export function signatureLine(key: NoteKey, signature: Uint8Array): string {
  return `— ${key.name} ${toBase64(concatBytes(key.id, signature))}\n`;
}

/**
 * Signs note text with an Ed25519 key (algorithm 1): the whole note.
 *
 * @example signNote(formatCheckpoint(head), key, (bytes) => sign(null, bytes, privateKey))
 */
export function signNote(text: string, key: NoteKey, sign: Sign): string {
  if (key.algorithm !== 1 || !text.endsWith("\n")) throw proofError("a note is whole lines, signed with algorithm 1");
  return `${text}\n${signatureLine(key, sign(utf8ToBytes(text)))}`;
}

/** A witness's line over checkpoint text (algorithm 4, cosignature/v1), with its newline. `timestamp` is in Unix seconds. */
export function cosignatureLine(text: string, key: NoteKey, timestamp: number, sign: Sign): string {
  if (key.algorithm !== 4 || !isCount(timestamp)) throw proofError("a cosignature has whole seconds and algorithm 4");
  const stamp = new Uint8Array(8);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(timestamp));
  return signatureLine(key, concatBytes(stamp, sign(cosignedMessage(text, timestamp))));
}

/** What a verified line says: the time of a cosignature in Unix seconds, of a log's own signature nothing. */
export type VerifiedLine = { readonly timestamp?: number };

/**
 * Verifies one signature line (with or without its newline) over note text: undefined when it is not by this key or does not
 * hold. Never throws for a bad line.
 */
export async function verifyLine(text: string, line: string, key: NoteKey): Promise<VerifiedLine | undefined> {
  const parsed = tryParseLine(line.endsWith("\n") ? line : `${line}\n`);
  if (parsed === undefined || !isBy(parsed, key)) return undefined;
  const { signature } = parsed;
  if (key.algorithm === 1) return (await verifyEd25519(key.publicKey, signature, utf8ToBytes(text))) ? {} : undefined;
  if (signature.length !== 72) return undefined;
  const stamp = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  if (stamp > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const timestamp = Number(stamp);
  const holds = await verifyEd25519(key.publicKey, signature.subarray(8), cosignedMessage(text, timestamp));
  return holds ? { timestamp } : undefined;
}

/** True when the signature says it is by this key: name and id, which anyone could write. */
export function isBy(signature: NoteSignature, key: NoteKey): boolean {
  return signature.name === key.name && equalBytes(signature.id, key.id);
}

function tryParseLine(line: string): NoteSignature | undefined {
  try {
    return parseLine(line);
  } catch {
    return undefined;
  }
}

function cosignedMessage(text: string, timestamp: number): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

function assertName(name: string): void {
  if (!/^[^+\p{White_Space}\p{Cc}\p{Cs}]+$/u.test(name))
    throw proofError("a key name is empty, or has blanks or a plus");
}
