import { createPrivateKey, createPublicKey, hash, sign, type KeyObject } from "node:crypto";
import { newRecordId, type AuditEvent, type PublishTools, type TreeHead } from "@agentkeys/core";
import {
  commitEvent,
  consistencyPath,
  formatCheckpoint,
  formatVkey,
  growTree,
  leafHash,
  logId,
  Outcome,
  parseVkey,
  RecordType,
  signNote,
  toBase64,
  toHex,
} from "@agentkeys/log";

/** A log in memory whose entries, tree, heads and signatures are real: what an anchor is given to publish. */
export interface TestLog {
  readonly origin: string;
  /** Lower hex SHA-256 of the origin. */
  readonly logId: string;
  /** C2SP vkey of the log's Ed25519 key. */
  readonly vkey: string;
  readonly size: number;
  /** Appends so many heartbeat records. */
  grow(count: number): void;
  /** The signed head of the first `size` entries; the newest without it. */
  head(size?: number): TreeHead;
  /** What the host lends with a publish: consistency proofs of this log. */
  readonly tools: PublishTools;
  /** Another log under the same name and key whose entries differ from `size` on: what must never be signed twice. */
  fork(size: number): TestLog;
}

/**
 * Makes an empty log. The key is derived from the printed name and is for tests only.
 *
 * @example
 * const log = createTestLog();
 * log.grow(3);
 * await anchor.publish(log.head(), log.tools, call);
 */
export function createTestLog(origin = "keys.example/audit/testkit0/1"): TestLog {
  return makeLog(origin, makeSigner(origin), [], "");
}

function makeLog(origin: string, signer: Signer, leaves: Uint8Array[], branch: string): TestLog {
  const nodes = new Map<string, Uint8Array>();
  const nodeAt = (level: number, index: number): Uint8Array => {
    const found = nodes.get(`${level}/${index}`);
    if (found === undefined) throw new Error(`the tree has no node ${index} at level ${level}`);
    return found;
  };
  const remember = (): void => {
    for (const { level, index, hash: found } of growTree(0, [], leaves).nodes) nodes.set(`${level}/${index}`, found);
  };
  remember();
  const vkey = formatVkey(origin, 1, signer.publicKey);
  const key = parseVkey(vkey);
  const id = toHex(logId(origin));
  return {
    origin,
    vkey,
    logId: id,
    get size() {
      return leaves.length;
    },
    grow(count) {
      for (let added = 0; added < count; added++) leaves.push(leafHash(makeEntry(leaves.length, branch)));
      remember();
    },
    head(size = leaves.length) {
      const { root } = growTree(0, [], leaves.slice(0, size));
      const note = signNote(formatCheckpoint({ origin, size, root }), key, signer.sign);
      return { origin, logId: id, size, root: toBase64(root), note };
    },
    tools: {
      prove: async (from, to) => consistencyPath(from, to, nodeAt).map((step) => toBase64(step)),
    },
    fork(size) {
      return makeLog(origin, signer, leaves.slice(0, size), `${branch}${leaves.length}/`);
    },
  };
}

// Entries follow from their place alone, so that two test logs of one name are the same log.
function makeEntry(index: number, branch: string): Uint8Array {
  const salt = Buffer.from(hash("sha256", `entry ${branch}${index}`, "hex"), "hex");
  const event: AuditEvent = {
    id: newRecordId(Date.UTC(2026, 0, 1) + index, salt),
    time: Date.UTC(2026, 0, 1) + index,
    type: RecordType.heartbeat,
    outcome: Outcome.notApplicable,
  };
  return commitEvent(event, { random: () => salt, indexKey: salt }).entry;
}

/** An Ed25519 key that signs note text. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** The Ed25519 key whose seed is SHA-256 of a printed name. TEST ONLY: everybody can make it. */
export function makeSigner(name: string): Signer {
  const seed = hash("sha256", `agentkeys test key ${name}`, "hex");
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  const privateKey: KeyObject = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    publicKey: Uint8Array.from(spki.subarray(-32)),
    sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)),
  };
}
