import type { AuditEvent } from "@agentkeys/core";
import { commit, committedFields, walletTag, type Opening } from "./commitment.ts";
import { fromHex } from "./encoding.ts";
import { recordError } from "./errors.ts";
import type { Sha256 } from "./keyed-hash.ts";
import { encodeRecord } from "./record.ts";

/** What committing to an event takes beside the event. */
export interface CommitTools {
  /** Fresh random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Key of the wallet tags. */
  readonly indexKey: Uint8Array;
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
export function commitEvent(event: AuditEvent, { random, indexKey, sha256 }: CommitTools): CommittedEvent {
  const { account, agent, wallet, scope, policy, grant, credential, ...plain } = event;
  const values = { agent, scope, grant, credential, ...(account === undefined ? {} : { account: parseHash(account) }) };
  const present = Array.from(committedFields).filter(([, name]) => values[name] !== undefined);
  const salts = random(32 * present.length);
  const commitments: Record<string, Uint8Array> = {};
  const openings = present.map(([key, name], at): Opening => {
    const opening = { key, salt: salts.slice(32 * at, 32 * at + 32), value: values[name] as string | Uint8Array };
    commitments[name] = commit(opening.salt, key, opening.value, sha256);
    return opening;
  });
  const entry = encodeRecord({
    ...plain,
    ...commitments,
    ...(wallet === undefined ? {} : { wallet: walletTag(indexKey, wallet, sha256) }),
    ...(policy === undefined ? {} : { policy: parseHash(policy) }),
  });
  return { entry, openings };
}

function parseHash(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/u.test(hex)) throw recordError("account or policy is not 32 bytes in lower-case hex");
  return fromHex(hex);
}
