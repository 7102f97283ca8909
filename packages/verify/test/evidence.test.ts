import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verify as verifySignature, createPublicKey } from "node:crypto";
import type { VerifyOffline } from "@agentkeys/core";
import { noteHash, parseNote, parseTlogProof, toHex } from "@agentkeys/log";
import { afterAll, describe, expect, it } from "vitest";
import { isMet, joinEpochs, parseTrustEpochs, parseTrustPolicy, verify } from "../src/index.ts";
import { run } from "./run-program.ts";
import { makeReceipt, makeSigner } from "./support.ts";

const origin = "keys.example.com/audit/h13c82dj/1";
const log = makeSigner(origin, 1);
const notary = makeSigner("notary.example/1", 1);
const notaryKey = Buffer.from(notary.key.publicKey).toString("hex");
const folder = mkdtempSync(join(tmpdir(), "agentkeys-evidence-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A notary's verifier: its Ed25519 signature over the note hash, by the key of the trust file. */
const source = `import { createPublicKey, verify } from "node:crypto";
export async function verifyOffline(head, evidence, trust) {
  const key = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(trust.key, "hex")]);
  const text = Buffer.from(evidence.note_hash + " " + evidence.finality);
  return verify(null, text, createPublicKey({ key, format: "der", type: "spki" }), Buffer.from(evidence.proof, "hex"));
}
`;
const verifyOffline: VerifyOffline = async (_, evidence, trust) => {
  const { key } = trust as { key: string };
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(key, "hex")]);
  const text = Buffer.from(`${evidence.note_hash} ${evidence.finality}`);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return verifySignature(null, text, publicKey, Buffer.from(JSON.stringify(evidence.proof).slice(1, -1), "hex"));
};

const { text: bare, holder } = makeReceipt(log, [], 9, 4);
const hash = toHex(noteHash(parseNote(parseTlogProof(JSON.parse(bare).tlog_proof as string).note).text));
const sign = (finality: number, over = hash) => toHex(notary.sign(Buffer.from(`${over} ${finality}`)));
const evidenceOf = (finality: number, change = {}) => ({
  anchor: "notary",
  size: 9,
  note_hash: hash,
  finality,
  proof: sign(finality),
  ...change,
});
const withAnchors = (...anchors: unknown[]) => JSON.stringify({ ...JSON.parse(bare), anchors });
const epochs = `[[epoch]]
origin = "${origin}"
vkeys = ["${makeSigner(origin, 1).vkey}", "${log.vkey}"]
[epoch.verify.notary]
plugin = "@acme/agentkeys-audit-notary"
key = "${notaryKey}"
`;
const trust = joinEpochs(parseTrustPolicy("quorum none\n"), parseTrustEpochs(epochs));
const verifiers = new Map([
  ["@agentkeys/unrelated", verifyOffline],
  ["@acme/agentkeys-audit-notary", verifyOffline],
]);

describe("evidence in a receipt", () => {
  it("that is final makes it ANCHORED by the verifier that the trust files name", async () => {
    const verdict = await verify(withAnchors(evidenceOf(4)), trust, { holder, verifiers });
    expect(verdict).toMatchObject({ level: "ANCHORED", anchors: [{ name: "notary", finality: 4 }] });
    expect(isMet(verdict, { level: "anchored", anchors: 1 })).toBe(true);
    expect(isMet(verdict, { level: "anchored", anchors: 2 })).toBe(false);
    expect(verdict.notProven.join("\n")).not.toContain("was not checked");
  });

  it("counts an anchor once, and one that is not final not at all", async () => {
    const twice = await verify(withAnchors(evidenceOf(4), evidenceOf(4)), trust, { verifiers });
    expect(twice).toMatchObject({ anchors: [{ name: "notary" }] });
    const early = await verify(withAnchors(evidenceOf(2)), trust, { verifiers });
    expect(early).toMatchObject({ level: "SIGNED", anchors: [{ finality: 2 }] });
    expect(isMet(early, { level: "anchored", anchors: 1 })).toBe(false);
  });

  it.each([
    ["a false signature", { proof: sign(3) }],
    ["a raised finality", { finality: 4, proof: sign(2) }],
    ["another size", { size: 8 }],
    ["another head's hash, truly signed", { note_hash: "ab".repeat(32), proof: sign(4, "ab".repeat(32)) }],
    ["a proof that the verifier cannot read", { proof: { x: 1 } }],
  ])("with %s makes the receipt invalid", async (_, change) => {
    expect(await verify(withAnchors(evidenceOf(4, change)), trust, { verifiers })).toMatchObject({
      level: "INVALID",
      reason: "the evidence of notary does not hold for this head",
    });
  });

  it("is not checked without a verifier, of an anchor not named, or in another epoch; and the verdict says so", async () => {
    const elsewhere = joinEpochs(trust, parseTrustEpochs(epochs.replace("verify.notary", "verify.other")));
    const text = withAnchors(evidenceOf(4));
    for (const verdict of [await verify(text, trust), await verify(text, elsewhere, { verifiers })]) {
      expect(verdict).toMatchObject({ level: "SIGNED", anchors: [] });
      expect(verdict.notProven.join("\n")).toContain("evidence of 1 anchors says: it was not checked");
    }
  });

  it("is checked by the program with the verifier installed beside the trust files", async () => {
    const place = join(folder, "node_modules/@acme/agentkeys-audit-notary");
    mkdirSync(place, { recursive: true });
    const manifest = { name: "@acme/agentkeys-audit-notary", type: "module", exports: { "./verify": "./verify.js" } };
    writeFileSync(join(folder, "trust.policy"), "quorum none\n");
    writeFileSync(join(folder, "anchors.toml"), epochs);
    writeFileSync(join(folder, "receipt.json"), withAnchors(evidenceOf(4)));
    const args = [join(folder, "receipt.json"), "--trust", join(folder, "trust.policy"), "--require", "anchored"];
    expect((await run(args)).code).toBe(10);
    writeFileSync(join(place, "package.json"), JSON.stringify(manifest));
    writeFileSync(join(place, "verify.js"), source);
    expect(await run(args)).toMatchObject({ code: 0, out: expect.stringMatching(/^ANCHORED\(1, final\)\n/u) });
    writeFileSync(join(folder, "receipt.json"), withAnchors(evidenceOf(4, { proof: sign(1) })));
    expect((await run(args)).code).toBe(20);
    writeFileSync(join(place, "verify.js"), "export const nothing = 1;\n");
    expect(await run(args)).toMatchObject({ code: 64, err: expect.stringContaining("does not export verifyOffline") });
  });
});

describe("a receipt of an epoch", () => {
  const next = makeSigner(origin.replace(/1$/u, "2"), 1);
  const both = parseTrustEpochs(
    `${epochs}[[epoch]]\norigin = "${next.key.name}"\nvkeys = ["${next.vkey}"]\nprevious = "${origin}"\n`,
  );

  it("is checked against the keys of its own epoch, one that was rotated out too", async () => {
    const known = joinEpochs(parseTrustPolicy("quorum none\n"), both);
    for (const signer of [log, next]) {
      expect(await verify(makeReceipt(signer, [], 5, 2).text, known)).toMatchObject({ level: "SIGNED" });
    }
    const rotatedOut = makeSigner(origin, 1);
    const old = joinEpochs(
      parseTrustPolicy("quorum none\n"),
      parseTrustEpochs(`[[epoch]]\norigin = "${origin}"\nvkeys = ["${rotatedOut.vkey}", "${log.vkey}"]\n`),
    );
    expect(await verify(makeReceipt(rotatedOut, [], 5, 2).text, old)).toMatchObject({ level: "SIGNED" });
  });

  it("signed by another epoch's key under its origin is invalid", async () => {
    const known = joinEpochs(parseTrustPolicy("quorum none\n"), both);
    const forged = { ...makeSigner(origin, 1), sign: next.sign };
    expect(await verify(makeReceipt(forged, [], 5, 2).text, known)).toMatchObject({ level: "INVALID" });
  });

  it("with the entry or the proof of another receipt is invalid", async () => {
    const known = joinEpochs(parseTrustPolicy("quorum none\n"), both);
    const [one, other] = [makeReceipt(log, [], 5, 2), makeReceipt(log, [], 5, 3)].map(({ text }) => JSON.parse(text));
    for (const name of ["entry", "tlog_proof", "openings"]) {
      const swapped = JSON.stringify({ ...one, [name]: other[name] });
      expect(await verify(swapped, known)).toMatchObject({ level: "INVALID" });
    }
  });
});
