import { isAgentKeysError } from "@agentkeys/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatCheckpoint,
  formatTlogProof,
  formatVkey,
  fromBase64,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  parseVkey,
  toBase64,
} from "../src/index.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_PROOF", facts: { reason: expect.any(String) } });

describe("C2SP tlog-proof", () => {
  const hash = toBase64(new Uint8Array(32).fill(9));
  const proof = `c2sp.org/tlog-proof@v1\nindex 7\n${hash}\n${hash}\n\no\n8\n${hash}\n\n— o AAAAAAAA\n`;

  it("reads back as it was written", () => {
    expect(formatTlogProof(parseTlogProof(proof))).toBe(proof);
    expect(parseTlogProof(proof)).toMatchObject({ index: 7, note: `o\n8\n${hash}\n\n— o AAAAAAAA\n` });
  });

  it.each([
    ["index +7", proof.replace("index 7", "index +7")],
    ["index 07", proof.replace("index 7", "index 07")],
    ["index -0", proof.replace("index 7", "index -0")],
    ["index 7.0", proof.replace("index 7", "index 7.0")],
    ["index with a blank", proof.replace("index 7", "index 7 ")],
    ["index with two blanks", proof.replace("index 7", "index  7")],
    ["index past 2^53-1", proof.replace("index 7", "index 9007199254740992")],
    ["no index", proof.replace("index 7\n", "")],
    ["an extra line", proof.replace("index 7", "extra AAAA\nindex 7")],
    ["another first line", proof.replace("@v1", "@v2")],
    ["a carriage return", proof.replace("\nindex", "\r\nindex")],
    ["a hash of 31 bytes", proof.replace(hash, toBase64(new Uint8Array(31)))],
    ["a hash without padding", proof.replace(hash, hash.slice(0, -1))],
    ["a blank in a hash", proof.replace(hash, `${hash} `)],
    ["54 hashes", proof.replace(`${hash}\n`, `${hash}\n`.repeat(53))],
    ["no empty line", proof.replaceAll("\n\n", "\n")],
    ["nothing", ""],
  ])("with %s is refused", (_, wrong) => {
    expect(() => parseTlogProof(wrong)).toThrow(refused);
  });

  it("with an index that could not be read back is not written", () => {
    expect(() => formatTlogProof({ index: -1, path: [], note: "" })).toThrow(refused);
  });
});

/** What the work gives; undefined when it is refused with ERR_AUDIT_PROOF. */
function attempt(work: () => string): string | undefined {
  try {
    return work();
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_PROOF")) return undefined;
    throw error;
  }
}

describe("any text", () => {
  const piece = fc.constantFrom(
    "— ",
    "\n",
    "\n\n",
    "index 0",
    "c2sp.org/tlog-proof@v1\n",
    "AAAA",
    "AQI=",
    " ",
    "+",
    "o",
    "0",
  );
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 12 }).map((pieces) => pieces.join("")),
  );

  it.each<[string, (text: string) => string]>([
    ["parseVkey", (text) => formatVkey(parseVkey(text).name, parseVkey(text).algorithm, parseVkey(text).publicKey)],
    [
      "parseNote",
      (text) =>
        `${parseNote(text).text}\n${parseNote(text)
          .signatures.map(({ line }) => line)
          .join("")}`,
    ],
    ["parseCheckpoint", (text) => formatCheckpoint(parseCheckpoint(text))],
    ["parseTlogProof", (text) => formatTlogProof(parseTlogProof(text))],
    ["fromBase64", (text) => toBase64(fromBase64(text))],
  ])("either reads back the same through %s or is refused with ERR_AUDIT_PROOF", (_, roundTrip) => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(attempt(() => roundTrip(text)) ?? text).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});
