import type { AuditEvent } from "@agentkeys/core";
import { commit, committedFields, walletTag, type Opening } from "./commitment.ts";
import { fromHex } from "./encoding.ts";
import { recordError } from "./errors.ts";
import type { Sha256 } from "./keyed-hash.ts";
import { encodeRecord, type AuditRecord } from "./record.ts";

/** What committing to an event takes beside the event. */
export interface CommitTools {
  /** Fresh random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Key of the wallet tags. */
  readonly indexKey: Uint8Array;
  /** What gives a wallet's tag under that key, where the host remembers tags; default `walletTag`. */
  readonly tag?: (address: string) => Uint8Array;
  /** A faster SHA-256 than the built-in, where the host has one. */
  readonly sha256?: Sha256;
}

/** Entry bytes of an event and what opens them. The openings are personal: keep them beside the log, encrypted. */
export interface CommittedEvent {
  readonly entry: Uint8Array;
  readonly openings: readonly Opening[];
}

/**
 * Turns an event in plain values into entry bytes: a commitment with a fresh salt for account, agent, scope, grant and
 * credential, a tag for the wallet. Throws ERR_AUDIT_RECORD for an event that the record format does not allow.
 */
export function commitEvent(event: AuditEvent, { random, indexKey, tag, sha256 }: CommitTools): CommittedEvent {
  const { wallet, policy, ...record } = event;
  const openings: Opening[] = [];
  const committed: { -readonly [Name in keyof AuditRecord]?: unknown } = record;
  for (const [key, name] of committedFields) {
    const plain = event[name];
    if (plain === undefined) continue;
    const value = name === "account" ? parseHash(plain) : plain;
    const salt = random(32);
    openings.push({ key, salt, value });
    committed[name] = commit(salt, key, value, sha256);
  }
  if (wallet !== undefined) committed.wallet = tag === undefined ? walletTag(indexKey, wallet, sha256) : tag(wallet);
  if (policy !== undefined) committed.policy = parseHash(policy);
  return { entry: encodeRecord(committed as AuditRecord), openings };
}

function parseHash(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/u.test(hex)) throw recordError("account or policy is not 32 bytes in lower-case hex");
  return fromHex(hex);
}
