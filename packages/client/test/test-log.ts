import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import type { AuditEvent } from "@agentkeys/core";
import {
  commitEvent,
  cosignatureLine,
  formatCheckpoint,
  formatReceipt,
  formatTlogProof,
  formatVkey,
  growTree,
  leafHash,
  parseVkey,
  signNote,
  type CommittedEvent,
} from "@agentkeys/log";

/** A real log in memory: real records, tree and signatures. */
export interface TestLog {
  readonly origin: string;
  readonly vkey: string;
  readonly witnessVkey: string;
  append(event: AuditEvent): number;
  /** Receipt text of a record under the newest head, opened to the agent. */
  receipt(index: number, options?: { witnessed?: boolean }): string;
}

export function createTestLog(origin = "keys.test/audit/0123abcd/1"): TestLog {
  const log = createSigner();
  const witness = createSigner();
  const vkey = formatVkey(origin, 1, log.publicKey);
  const witnessVkey = formatVkey("witness.test/w", 4, witness.publicKey);
  const indexKey = randomBytes(32);
  const entries: CommittedEvent[] = [];
  return {
    origin,
    vkey,
    witnessVkey,
    append(event) {
      return entries.push(commitEvent(event, { random: (length) => randomBytes(length), indexKey })) - 1;
    },
    receipt(index, { witnessed = false } = {}) {
      const tree = growTree(
        0,
        [],
        entries.map(({ entry }) => leafHash(entry)),
      );
      const text = formatCheckpoint({ origin, size: tree.size, root: tree.root });
      const note = signNote(text, parseVkey(vkey), log.sign);
      const line = witnessed ? cosignatureLine(text, parseVkey(witnessVkey), 1_764_000_000, witness.sign) : "";
      const { entry, openings } = entries[index]!;
      return formatReceipt({
        entry,
        tlogProof: formatTlogProof({ index, path: tree.proof(index), note: `${note}${line}` }),
        anchors: [],
        openings: openings.filter(({ key }) => [6, 9, 12].includes(key)),
      });
    },
  };
}

function createSigner(): { publicKey: Uint8Array; sign: (bytes: Uint8Array) => Uint8Array } {
  const pair: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync("ed25519");
  const publicKey = new Uint8Array(pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  return { publicKey, sign: (bytes) => new Uint8Array(sign(null, bytes, pair.privateKey)) };
}
