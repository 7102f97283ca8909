import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
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
  type Holder,
  type NoteKey,
} from "@agentkeys/log";

/** One receipt of the project's vectors. */
export interface ReceiptVector {
  readonly verdict: "accept" | "reject";
  readonly why: string;
  readonly holder: { agent: string; scope: string; credential: string; validity: [number, number] };
  readonly receipt: Record<string, unknown>;
}

interface Vectors {
  readonly log: { origin: string; vkey: string; witness_vkey: string };
  readonly receipts: readonly ReceiptVector[];
}

/** A file of this package or of the repository, by its place beside the tests. */
export function pathOf(place: string): string {
  return fileURLToPath(new URL(place, import.meta.url));
}

/** The project's own vectors of the v1 formats. */
export const vectors: Vectors = JSON.parse(
  readFileSync(pathOf("../../../test/vectors/agentkeys-v1.json"), "utf8"),
) as Vectors;

/** A policy that lists the vectors' log and their witness, which makes the quorum. */
export const policy = `log ${vectors.log.vkey}\nwitness w1 ${vectors.log.witness_vkey}\nquorum w1\n`;

/** Random bytes. */
export function random(length: number): Uint8Array {
  return Uint8Array.from(randomBytes(length));
}

/** A fresh Ed25519 key, its vkey, and what signs with it. */
export interface TestSigner {
  readonly key: NoteKey;
  readonly vkey: string;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** Makes a signer with a key of its own, by Node's Ed25519. */
export function makeSigner(name: string, algorithm: 1 | 4): TestSigner {
  const seed = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), randomBytes(32)]);
  const privateKey = createPrivateKey({ key: seed, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const vkey = formatVkey(name, algorithm, Uint8Array.from(publicKey));
  return { key: parseVkey(vkey), vkey, sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)) };
}

/** A receipt's text and its holder. */
export interface MadeReceipt {
  readonly text: string;
  readonly holder: Holder;
}

/** Fills a log with issued credentials and gives the receipt of one, cosigned by the witnesses. */
export function makeReceipt(
  log: TestSigner,
  witnesses: readonly TestSigner[],
  size: number,
  index: number,
): MadeReceipt {
  const made = Array.from({ length: size }, (_, at) => issue(at));
  const tree = growTree(
    0,
    [],
    made.map(({ entry }) => leafHash(entry)),
  );
  const text = formatCheckpoint({ origin: log.key.name, size, root: tree.root });
  const lines = witnesses.map(({ key, sign: cosign }, at) => cosignatureLine(text, key, 1764000000 + at, cosign));
  const note = signNote(text, log.key, log.sign) + lines.join("");
  const one = made[index];
  if (one === undefined) throw new Error("no such record");
  const { entry, openings, holder } = one;
  const receipt = {
    entry,
    tlogProof: formatTlogProof({ index, path: tree.proof(index), note }),
    anchors: [],
    openings,
  };
  return { text: formatReceipt(receipt), holder };
}

function issue(at: number) {
  const [agent, credential] = [`agt_${at}`, `jti_${Buffer.from(random(16)).toString("hex")}`];
  const scope = `{"actions":["token"],"resources":["https://api.example.com/é/${at}"]}`;
  const validity: [number, number] = [1764000000, 1764000600 + at];
  const event = {
    id: `019ab697-e889-7247-8ab1-${at.toString(16).padStart(12, "0")}`,
    time: 1764000000000 + at,
    type: 2,
    outcome: 1,
    account: Buffer.from(random(32)).toString("hex"),
    wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
    issuer: "oidc",
    policy: "ab".repeat(32),
    grant: "grn_1",
    agent,
    credential,
    scope,
    validity,
  };
  const { entry, openings } = commitEvent(event, { random, indexKey: random(32) });
  return { entry, openings: openings.filter(({ key }) => key !== 11), holder: { agent, credential, scope, validity } };
}
