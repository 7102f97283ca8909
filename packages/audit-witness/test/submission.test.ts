import { readFileSync } from "node:fs";
import { isAgentKeysError } from "@agentkeys/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseSubmission } from "../src/witness/submission.ts";

const vectors = JSON.parse(readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"));

test("C2SP tlog-witness: the published example of an add-checkpoint request is read", () => {
  const body = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;
  const { old, proof, note, checkpoint } = parseSubmission(body);
  expect(old).toBe(20_852_014);
  expect(proof.map((hash) => Buffer.from(hash).toString("base64")).join("\n")).toBe(
    body.split("\n").slice(1, 5).join("\n"),
  );
  expect(checkpoint).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20_852_163 });
  expect(note.signatures).toHaveLength(2);
});

test("a request that is read says exactly what its text says, and anything else is a proof error, whatever is cut or put in", () => {
  const { note } = vectors.checkpoints[3];
  const body = `old 8\n${vectors.consistency[2].proof.join("\n")}\n\n${note}`;
  const characters = fc.constantFrom("\n", "\n\n", " ", "0", "9", "old ", "=", "—", "\r", "\u0000", "+", "x");
  fc.assert(
    fc.property(fc.nat(body.length), fc.nat(4), characters, (at, length, put) => {
      const changed = body.slice(0, at) + put + body.slice(at + length);
      try {
        const { old, proof, note: read } = parseSubmission(changed);
        const lines = proof.map((hash) => `${Buffer.from(hash).toString("base64")}\n`).join("");
        expect(`old ${old}\n${lines}\n${read.text}\n${read.signatures.map(({ line }) => line).join("")}`).toBe(changed);
      } catch (error) {
        if (!isAgentKeysError(error, "ERR_AUDIT_PROOF")) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
