import { isAgentKeysError } from "@agentkeys/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochOf, joinEpochs, keysOf, parseTrustEpochs, parseTrustPolicy } from "../src/index.ts";
import { makeSigner } from "./support.ts";

const one = "keys.example.com/audit/h13c82dj/1";
const two = "keys.example.com/audit/h13c82dj/2";
const [first, rotated] = [makeSigner(one, 1), makeSigner(one, 1)];
const next = makeSigner(two, 1);
const file = `# the log of keys.example.com
[[epoch]]
origin = "${one}"
vkeys = [
  "${first.vkey}",
  "${rotated.vkey}",
]

[epoch.verify.solana]
program = "Prog1111"
authority = "Auth1111"

[epoch.verify.base]
plugin = "evm"
chain_id = 8453
contract = "0x00"

[[epoch]]
origin = "${two}"
vkeys = ["${next.vkey}"]
previous = "${one}"
[epoch.verify.paper]
plugin = "@acme/agentkeys-audit-paper"
`;

describe("trust epochs", () => {
  it("have their keys in order, the epoch before, and who verifies each anchor", () => {
    expect(parseTrustEpochs(file)).toEqual([
      {
        origin: one,
        vkeys: [first.key, rotated.key],
        anchors: new Map([
          ["solana", { package: "@agentkeys/audit-solana", ids: { program: "Prog1111", authority: "Auth1111" } }],
          ["base", { package: "@agentkeys/audit-evm", ids: { chain_id: 8453, contract: "0x00" } }],
        ]),
      },
      {
        origin: two,
        vkeys: [next.key],
        previous: one,
        anchors: new Map([["paper", { package: "@acme/agentkeys-audit-paper", ids: {} }]]),
      },
    ]);
    expect(parseTrustEpochs("")).toEqual([]);
  });

  it("join a policy: each origin has the keys of its own epoch", () => {
    const trust = joinEpochs(parseTrustPolicy(`log ${first.vkey}\nquorum none\n`), parseTrustEpochs(file));
    expect(keysOf(trust, one)).toEqual([first.key, rotated.key]);
    expect(keysOf(trust, two)).toEqual([next.key]);
    expect(epochOf(trust, two)?.previous).toBe(one);
    expect(epochOf(trust, "other")).toBeUndefined();
  });

  it("do not join a policy that has another key for one of their origins", () => {
    const policy = parseTrustPolicy(`log ${makeSigner(one, 1).vkey}\nquorum none\n`);
    expect(() => joinEpochs(policy, parseTrustEpochs(file))).toThrow(
      expect.objectContaining({ code: "ERR_AUDIT_TRUST" }),
    );
    const other = makeSigner("other.example/1", 1);
    const joined = joinEpochs(parseTrustPolicy(`log ${other.vkey}\nquorum none\n`), parseTrustEpochs(file));
    expect(keysOf(joined, "other.example/1")).toEqual([other.key]);
  });

  const epoch = `[[epoch]]\norigin = "${one}"\nvkeys = ["${first.vkey}"]\n`;
  it.each<[string, string, number]>([
    ["no TOML", "[[epoch]]\norigin = \n", 2],
    ["a table beside", `${epoch}[other]\nx = 1\n`, 4],
    ["a key beside", "x = 1\n", 1],
    ["an epoch that is no list of tables", "epoch = 1\n", 1],
    ["no origin", `[[epoch]]\nvkeys = ["${first.vkey}"]\n`, 1],
    ["an empty origin", `[[epoch]]\norigin = ""\nvkeys = ["${first.vkey}"]\n`, 2],
    ["no keys", `[[epoch]]\norigin = "${one}"\n`, 1],
    ["an empty list of keys", `[[epoch]]\norigin = "${one}"\nvkeys = []\n`, 3],
    ["a key that is none", `[[epoch]]\norigin = "${one}"\nvkeys = ["x"]\n`, 3],
    ["a number for a key", `[[epoch]]\norigin = "${one}"\nvkeys = [1]\n`, 3],
    ["a key of another origin", `[[epoch]]\norigin = "${one}"\nvkeys = ["${next.vkey}"]\n`, 3],
    ["a witness's key", `[[epoch]]\norigin = "${one}"\nvkeys = ["${makeSigner(one, 4).vkey}"]\n`, 3],
    ["a key twice", `[[epoch]]\norigin = "${one}"\nvkeys = ["${first.vkey}", "${first.vkey}"]\n`, 3],
    ["an origin twice", epoch + epoch, 5],
    ["an unknown member", `${epoch}trusted = true\n`, 4],
    ["a previous epoch that is not above", `${epoch}previous = "${two}"\n`, 4],
    ["itself as the previous epoch", `${epoch}previous = "${one}"\n`, 4],
    ["a verify that is no table", `${epoch}verify = 1\n`, 4],
    ["an anchor that is no table", `${epoch}[epoch.verify]\nsolana = "x"\n`, 5],
    ["a plugin that is a path", `${epoch}[epoch.verify.x]\nplugin = "../evil"\n`, 5],
    ["a plugin that is a URL", `${epoch}[epoch.verify.x]\nplugin = "https://evil.example/x.js"\n`, 5],
    ["a date for an id", `${epoch}[epoch.verify.x]\nsince = 2026-01-01\n`, 4],
    ["a number that is not finite", `${epoch}[epoch.verify.x]\nlevel = inf\n`, 4],
    ["a name of an object's own", `${epoch}[epoch.verify.__proto__]\nx = 1\n`, 4],
  ])("with %s are refused, and the line is named", (_, text, line) => {
    expect(() => parseTrustEpochs(text)).toThrow(
      expect.objectContaining({ code: "ERR_AUDIT_TRUST", facts: { line, reason: expect.any(String) } }),
    );
  });

  it("of any text are read or refused with ERR_AUDIT_TRUST", () => {
    const line = fc.constantFrom(
      "[[epoch]]",
      `origin = "${one}"`,
      `vkeys = ["${first.vkey}"]`,
      "[epoch.verify.a]",
      'plugin = "evm"',
      "x = {a = [1, {}]}",
      `previous = "${one}"`,
      "vkeys = [[]]",
      "verify = {a = {b = 1}}",
    );
    const lines = fc.array(line, { maxLength: 7 }).map((all) => all.join("\n"));
    fc.assert(
      fc.property(fc.oneof(lines, fc.string({ unit: "binary" })), (text) => {
        expect(attempt(text)).toEqual(expect.any(Array));
      }),
      { numRuns: 1000 },
    );
  });
});

function attempt(text: string): unknown {
  try {
    return parseTrustEpochs(text);
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_TRUST")) return [];
    throw error;
  }
}
