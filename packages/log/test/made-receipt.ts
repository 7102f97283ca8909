import type { AuditEvent } from "@agentkeys/core";
import { randomBytes } from "node:crypto";
import {
  commitEvent,
  cosignatureLine,
  formatCheckpoint,
  formatTlogProof,
  leafHash,
  rootFromInclusion,
  signNote,
  type Holder,
  type Receipt,
} from "../src/index.ts";
import { makeSigner } from "./signer.ts";

/** Random bytes. */
export const random = (length: number) => Uint8Array.from(randomBytes(length));
/** A log and a witness with keys of their own, and one who trusts both. */
export const log = makeSigner("broker.example.com/audit/k4t7m2xq/1", 1, random(32));
export const witness = makeSigner("witness.example/w1", 4, random(32));
export const trust = { log: log.key, witnesses: [witness.key] };
/** An issued credential, and what its holder knows. */
export const event: AuditEvent = {
  id: "019ab697-e889-7247-8ab1-39892cbcf3fc",
  time: 1764000000137,
  type: 2,
  outcome: 1,
  account: "13a0b67dbeaa1671fac74357f2c5dbb96133da8709dfe0b00059dadd00e4e2be",
  agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
  wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
  issuer: "oidc",
  scope: '{"actions":["token"],"resources":["https://api.example.com"]}',
  policy: "ab".repeat(32),
  grant: "grn_2n5fk3v7q4x6y8z1b9c0d2e4f6",
  credential: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
  validity: [1764000000, 1764000600],
};
export const holder: Holder = {
  agent: event.agent ?? "",
  scope: event.scope ?? "",
  credential: event.credential ?? "",
  validity: [1764000000, 1764000600],
};

/** A receipt at an index of a log of 1,000,000 records, as a log would make it. */
export function makeReceipt(change: Partial<AuditEvent> = {}, lines = ""): Receipt {
  const { entry, openings } = commitEvent({ ...event, ...change }, { random, indexKey: random(32) });
  const path = Array.from({ length: 20 }, () => random(32));
  const root = rootFromInclusion(654_321, 1_000_000, leafHash(entry), path);
  const note = signNote(formatCheckpoint({ origin: log.key.name, size: 1_000_000, root }), log.key, log.sign);
  return {
    entry,
    tlogProof: formatTlogProof({ index: 654_321, path, note: note + lines }),
    anchors: [],
    openings: openings.filter(({ key }) => [6, 9, 12].includes(key)),
  };
}

/** The receipt with the witness's cosignature in its note. */
export const cosign = (receipt: Receipt): Receipt => {
  const text = receipt.tlogProof.split("\n\n")[1] ?? "";
  return {
    ...receipt,
    tlogProof: receipt.tlogProof + cosignatureLine(`${text}\n`, witness.key, 1764000001, witness.sign),
  };
};
