import { readFileSync } from "node:fs";
import type { Evidence, TreeHead } from "@agentkeys/core";
import { parseNote, toHex } from "@agentkeys/log";
import { expect, test } from "vitest";
import plugin from "../src/index.ts";
import { verifyOffline } from "../src/verify.ts";
import { evidenceOf, makeScene } from "./scene.ts";

test("C2SP tlog-cosignature: the cosigned checkpoints of the project's vectors verify, and no other pairing of them does", async () => {
  const vectors = JSON.parse(readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"));
  const trust = { vkey: vectors.log.witness_vkey };
  const known: { head: TreeHead; evidence: Evidence }[] = vectors.checkpoints.map(
    ({ size, root, note, cosigned_note: cosigned, note_hash: hash }: Record<string, never>) => ({
      head: { origin: vectors.log.origin, logId: vectors.log.log_id, size, root, note },
      evidence: {
        anchor: "w1",
        size,
        note_hash: hash,
        finality: 4,
        cosignatures: [parseNote(String(cosigned)).signatures[1]!.line],
        proof: {},
      },
    }),
  );
  for (const { head } of known) {
    for (const { evidence } of known) {
      expect(await verifyOffline(head, evidence, trust)).toBe(head.size === evidence.size);
      const mixed = {
        ...evidence,
        size: head.size,
        note_hash: known.find((one) => one.head === head)!.evidence.note_hash,
      };
      expect(await verifyOffline(head, mixed, trust)).toBe(head.size === evidence.size);
    }
  }
});

test("evidence with any byte changed does not verify, nor a head, nor under another trust", async () => {
  const { log, witness, publish } = await makeScene();
  log.grow(3);
  const evidence = evidenceOf(await publish());
  const head = log.head();
  const trust = { vkey: witness.vkey };
  expect(await verifyOffline(head, evidence, trust)).toBe(true);
  for (const wrong of [null, {}, [], "x", { vkey: 1 }, { vkey: "" }, { vkey: log.vkey }, { vkey: [witness.vkey] }]) {
    expect(await verifyOffline(head, evidence, wrong)).toBe(false);
  }
  // The anchor's name is the config's, not the witness's: whoever looks the trust up by it checks it.
  const text = JSON.stringify(evidence);
  for (let at = text.indexOf('"size"'); at < text.length; at++) {
    const changed = tryParse(text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1));
    expect({ at, holds: changed !== undefined && (await verifyOffline(head, changed, trust)) }).toEqual({
      at,
      holds: false,
    });
  }
  const heads: Partial<TreeHead>[] = [
    { size: 2 },
    { origin: "other" },
    { logId: toHex(new Uint8Array(32)) },
    { root: log.head(2).root },
    { note: "x" },
    { note: log.head(2).note },
  ];
  for (const change of heads) expect(await verifyOffline({ ...head, ...change }, evidence, trust)).toBe(false);
  for (const change of [
    { more: 1 },
    { cosignatures: [] },
    { cosignatures: [...evidence.cosignatures!, ...evidence.cosignatures!] },
    { proof: [] },
  ]) {
    expect(await verifyOffline(head, { ...evidence, ...change }, trust)).toBe(false);
  }
});

function tryParse(text: string): Evidence | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test("the section is checked: an http address, a witness's vkey, and nothing else", async () => {
  const { log, witness } = await makeScene();
  const issues = async (section: unknown): Promise<number> =>
    (await plugin.config["~standard"].validate(section)).issues?.length ?? 0;
  const good = { url: "https://witness.example/prefix", vkey: witness.vkey };
  expect(await issues(good)).toBe(0);
  expect(await issues({ ...good, monitoring_url: "http://127.0.0.1:1" })).toBe(0);
  for (const url of [
    "",
    "witness.example",
    "ftp://witness.example",
    "https://witness.example/",
    "https://w.example?x",
    "https://w.example#x",
    "https://a:b@w.example",
    7,
  ]) {
    expect({ url, issues: await issues({ ...good, url }) }).toEqual({ url, issues: 1 });
  }
  for (const vkey of ["", log.vkey, `${witness.vkey}=`, witness.vkey.replace("+", "")]) {
    expect({ vkey, issues: await issues({ ...good, vkey }) }).toEqual({ vkey, issues: 1 });
  }
  expect(await issues({ ...good, more: 1 })).toBe(1);
  expect(await issues({ url: good.url })).toBe(1);
});
