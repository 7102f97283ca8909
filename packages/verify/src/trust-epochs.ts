import { AgentKeysError, type Json } from "@agentkeys/core";
import { parseVkey, toHex, type NoteKey } from "@agentkeys/log";
import { parse, TomlError } from "smol-toml";
import type { TrustPolicy } from "./trust-policy.ts";

/** One epoch of a log: an origin that is never used again, its keys, and who checks the evidence of its anchors. */
export interface TrustEpoch {
  readonly origin: string;
  /** Every key that has signed heads of this epoch, the oldest first. One that was rotated out still verifies what it signed. */
  readonly vkeys: readonly NoteKey[];
  /** Origin of the epoch before, where the file names one. */
  readonly previous?: string;
  /** By the name that an anchor has in evidence. */
  readonly anchors: ReadonlyMap<string, TrustAnchor>;
}

/** Who checks an anchor's evidence, and what it has to know. */
export interface TrustAnchor {
  /** The package whose `./verify` exports `verifyOffline`. */
  readonly package: string;
  /** The anchor's own ids: program, contract, authority, account, key. */
  readonly ids: Json;
}

const most = 256;
const form = "an epoch has origin, vkeys, and at most previous and verify";

/**
 * The epochs of `anchors.toml` text. Throws ERR_AUDIT_TRUST with the line for anything else than its one form:
 *
 * @example
 * parseTrustEpochs(`
 * [[epoch]]
 * origin = "keys.acme.com/audit/h13c82dj/2"
 * vkeys = ["keys.acme.com/audit/h13c82dj/2+ede07aae+AejW…"]
 * previous = "keys.acme.com/audit/m7q2x9ra/1"
 * [epoch.verify.solana]
 * program = "…"
 * `);
 */
export function parseTrustEpochs(text: string): readonly TrustEpoch[] {
  const { epoch = [], ...more } = parseToml(text);
  const [stranger] = Object.keys(more);
  if (stranger !== undefined)
    throw epochError(findLine(text, stranger), "the file has [[epoch]] tables and nothing else");
  if (!Array.isArray(epoch) || epoch.length > most)
    throw epochError(1, `the file has at most ${most} [[epoch]] tables`);
  const epochs: TrustEpoch[] = [];
  for (const [at, table] of (epoch as readonly unknown[]).entries()) {
    const fail = (key: string, reason: string): never => {
      throw epochError(findLine(text, key, at), reason);
    };
    epochs.push(readEpoch(table, epochs, fail));
  }
  return epochs;
}

/**
 * A policy that knows the epochs too: their keys are trusted like its own `log` lines. Throws ERR_AUDIT_TRUST where the policy has
 * a key for an epoch's origin that the epoch does not have.
 */
export function joinEpochs(policy: TrustPolicy, epochs: readonly TrustEpoch[]): TrustPolicy {
  const ofEpochs = epochs.flatMap(({ vkeys }) => vkeys);
  const others = policy.logs.filter((key) => !ofEpochs.some((known) => isSameKey(known, key)));
  const stray = others.find(({ name }) => epochs.some(({ origin }) => origin === name));
  if (stray !== undefined) {
    throw epochError(1, `the policy has a key of ${stray.name} that is not among the vkeys of this epoch`);
  }
  return { ...policy, logs: [...others, ...ofEpochs], epochs };
}

/** The keys trusted for an origin, the oldest first as far as the trust files say. */
export function keysOf(trust: TrustPolicy, origin: string): readonly NoteKey[] {
  return trust.logs.filter(({ name }) => name === origin);
}

/** What the trust files say of an origin beside its keys. */
export function epochOf(trust: TrustPolicy, origin: string): TrustEpoch | undefined {
  return trust.epochs?.find((epoch) => epoch.origin === origin);
}

type Fail = (key: string, reason: string) => never;

function readEpoch(table: unknown, before: readonly TrustEpoch[], fail: Fail): TrustEpoch {
  if (!isTable(table)) return fail("", form);
  const { origin, vkeys, previous, verify = {}, ...more } = table;
  const [stranger] = Object.keys(more);
  if (stranger !== undefined) return fail(stranger, form);
  if (typeof origin !== "string" || origin === "") return fail("origin", "the origin is not text");
  if (before.some((epoch) => epoch.origin === origin)) return fail("origin", "the origin stands twice");
  if (!Array.isArray(vkeys) || vkeys.length === 0 || vkeys.length > most) {
    return fail("vkeys", `vkeys is not a list of 1 to ${most} keys`);
  }
  const keys = vkeys.map((vkey: unknown) => readKey(vkey, origin, fail));
  if (new Set(keys.map(({ publicKey }) => toHex(publicKey))).size < keys.length)
    return fail("vkeys", "a key stands twice");
  if (previous !== undefined && !before.some((epoch) => epoch.origin === previous)) {
    return fail("previous", "previous is not the origin of an epoch above");
  }
  const anchors = readAnchors(verify, fail);
  return { origin, vkeys: keys, anchors, ...(typeof previous === "string" ? { previous } : {}) };
}

function readKey(vkey: unknown, origin: string, fail: Fail): NoteKey {
  let key: NoteKey | undefined;
  try {
    key = parseVkey(String(vkey));
  } catch {
    return fail("vkeys", "a key is not a vkey of an Ed25519 key");
  }
  if (key.algorithm !== 1 || key.name !== origin) return fail("vkeys", "a key is not of type 1, or not of this origin");
  return key;
}

function readAnchors(verify: unknown, fail: Fail): ReadonlyMap<string, TrustAnchor> {
  if (!isTable(verify)) return fail("verify", "verify has a table for each anchor");
  return new Map(
    Object.entries(verify).map(([name, section]) => {
      const { plugin = name, ...ids } = isTable(section) ? section : fail(name, "verify has a table for each anchor");
      const named = typeof plugin === "string" && /^(?:@[a-z0-9-]+\/)?[a-z0-9][a-z0-9._-]*$/u.test(plugin);
      if (!named) return fail("plugin", "plugin is not the name of a plug-in or of a package");
      if (!isJson(ids)) return fail(name, "an anchor's ids are text, finite numbers, booleans, lists and tables");
      return [name, { package: isBareName(plugin) ? `@agentkeys/audit-${plugin}` : plugin, ids }];
    }),
  );
}

// As in the broker's configuration: a bare name is one of ours.
function isBareName(plugin: string): boolean {
  return /^[a-z0-9-]+$/u.test(plugin);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function isJson(value: unknown): value is Json {
  if (Array.isArray(value)) return value.every(isJson);
  if (isTable(value)) return Object.values(value).every(isJson);
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}

function isSameKey(one: NoteKey, other: NoteKey): boolean {
  return one.name === other.name && toHex(one.publicKey) === toHex(other.publicKey);
}

function parseToml(text: string): Record<string, unknown> {
  try {
    return parse(text, { maxDepth: 16, unsafeKeyBehaviour: "throw" });
  } catch (error) {
    if (error instanceof TomlError) throw epochError(error.line, "it is not TOML", error);
    throw error;
  }
}

/** The line where a key stands, in the table of the epoch `at`; else that of the table's own header, else the first. */
function findLine(text: string, key: string, at?: number): number {
  const lines = text.split("\n");
  const headers = lines.flatMap((line, place) => (/^\s*\[\[\s*epoch\s*\]\]/u.test(line) ? [place] : []));
  const start = at === undefined ? 0 : (headers[at] ?? 0);
  const end = at === undefined ? lines.length : (headers[at + 1] ?? lines.length);
  const named = (line: string | undefined) => key !== "" && line?.split("=", 1)[0]?.includes(key) === true;
  const found = lines.slice(start, end).findIndex(named);
  return 1 + start + Math.max(found, 0);
}

function epochError(line: number, reason: string, cause?: unknown): AgentKeysError<"ERR_AUDIT_TRUST"> {
  return new AgentKeysError("ERR_AUDIT_TRUST", `trust epochs, line ${line}: ${reason}`, { line, reason }, { cause });
}
