import * as fc from "fast-check";
import { isAgentKeysError } from "@agentkeys/core";
import { describe, expect, it } from "vitest";
import { isQuorumMet, parseTrustPolicy, type TrustPolicy } from "../src/index.ts";
import { makeSigner } from "./support.ts";

const log = makeSigner("log.example/1", 1);
const names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];
const witnesses = names.map((name) => ({ name, vkey: makeSigner(`${name}.example`, 4).vkey }));
const witnessLines = witnesses.map(({ name, vkey }) => `witness ${name} ${vkey}\n`).join("");
const met = (policy: TrustPolicy, ...cosigners: string[]) => isQuorumMet(policy, new Set(cosigners));

// The example policy of C2SP tlog-policy, with keys filled in.
const example = `log ${log.vkey}

witness X1 ${witnesses[0]?.vkey}
witness X2 ${witnesses[1]?.vkey}
witness X3 ${witnesses[2]?.vkey}
group X-witnesses 2 X1 X2 X3

witness Y1 ${witnesses[3]?.vkey}
witness Y2 ${witnesses[4]?.vkey}
witness Y3 ${witnesses[5]?.vkey}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe("a trust policy", () => {
  it("of C2SP tlog-policy's example needs two X witnesses and one Y witness", () => {
    const policy = parseTrustPolicy(example);
    expect(policy.logs).toEqual([log.key]);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(names);
    expect(met(policy, "X1", "X3", "Y2")).toBe(true);
    expect(met(policy, ...names)).toBe(true);
    expect(met(policy, "X1", "Y1", "Y2", "Y3")).toBe(false);
    expect(met(policy, "X1", "X2", "X3")).toBe(false);
    expect(met(policy, "X-and-Y", "X-witnesses", "Y-witnesses")).toBe(false);
    expect(met(policy)).toBe(false);
  });

  it("may have tabs, blanks, comments, URLs and names in any script, and end without a newline", () => {
    const text = `# mine\n\t log\t${log.vkey}  https://log.example/ \n  # ours\n witness Zürich ${witnesses[0]?.vkey} https://z.example\nquorum\tZürich`;
    const policy = parseTrustPolicy(text);
    expect(met(policy, "Zürich")).toBe(true);
    expect(met(policy, "Z")).toBe(false);
  });

  it("of quorum none is met by no witness at all, and may list no log", () => {
    expect(parseTrustPolicy("quorum none\n")).toEqual({ logs: [], witnesses: [], quorum: undefined });
    expect(met(parseTrustPolicy("quorum none\n"))).toBe(true);
  });

  it("may have 200 logs and witnesses and not 257", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => `log ${makeSigner(`l${at}`, 1).vkey}\n`).join("");
    expect(parseTrustPolicy(`${many(200)}quorum none\n`).logs).toHaveLength(200);
    expect(() => parseTrustPolicy(`${many(257)}quorum none\n`)).toThrow(/line 257/u);
  });

  it("says what stands in a policy without witnesses", () => {
    expect(() => parseTrustPolicy(`log ${log.vkey}\n`)).toThrow("`quorum none`");
  });

  const w = witnesses[0]?.vkey ?? "";
  it.each<[string, string, number]>([
    ["nothing", "", 1],
    ["no quorum line", `log ${log.vkey}\n`, 2],
    ["two quorum lines", "quorum none\nquorum none\n", 2],
    ["an unknown line", "quorum none\ntrust all\n", 2],
    ["an upper-case keyword", "Quorum none\n", 1],
    ["a carriage return", "quorum none\r\n", 1],
    ["a no-break space for a blank", "quorum\u00a0none\n", 1],
    ["half a surrogate pair", "quorum none\n# \ud800\n", 2],
    ["a delete character", "quorum none\n# \u007f\n", 2],
    ["a quorum of an undefined name", "quorum w1\n", 1],
    ["a quorum defined later", `quorum w1\nwitness w1 ${w}\n`, 1],
    ["two names in a quorum", `${witnessLines}quorum X1 X2\n`, 7],
    ["no name in a quorum", "quorum\n", 1],
    ["a comment after a quorum", "quorum none # really\n", 1],
    ["a log's key twice", `log ${log.vkey}\nlog ${log.vkey}\nquorum none\n`, 2],
    ["a witness's key twice", `witness a ${w}\nwitness b ${w}\nquorum none\n`, 2],
    ["a witness's name twice", `witness a ${w}\nwitness a ${witnesses[1]?.vkey}\nquorum none\n`, 2],
    ["a group with a witness's name", `${witnessLines}group X1 any X2\nquorum none\n`, 7],
    ["a witness named none", `witness none ${w}\nquorum none\n`, 1],
    ["a group with member none", "group g any none\nquorum g\n", 1],
    ["a group without members", "group g any\nquorum g\n", 1],
    ["a group of itself", "group g any g\nquorum g\n", 1],
    ["a member in two groups", `${witnessLines}group a any X1\ngroup b any X1\nquorum none\n`, 8],
    ["a member twice in a group", `${witnessLines}group a 2 X1 X1\nquorum none\n`, 7],
    ["a group of 0", `${witnessLines}group a 0 X1\nquorum none\n`, 7],
    ["a group of more than its members", `${witnessLines}group a 2 X1\nquorum none\n`, 7],
    ["a group of +1", `${witnessLines}group a +1 X1\nquorum none\n`, 7],
    ["a group of 01", `${witnessLines}group a 01 X1\nquorum none\n`, 7],
    ["a witness's key for a log", `log ${w}\nquorum none\n`, 1],
    ["a log's key for a witness", `witness a ${log.vkey}\nquorum none\n`, 1],
    ["a key with another id", `log ${log.vkey.replace(/\+[0-9a-f]{8}\+/u, "+00000000+")}\nquorum none\n`, 1],
    ["no key for a log", "log\nquorum none\n", 1],
    ["no key for a witness", "witness a\nquorum none\n", 1],
    ["a third word for a log", `log ${log.vkey} https://a https://b\nquorum none\n`, 1],
  ])("with %s is refused, and the line is named", (_, text, line) => {
    expect(() => parseTrustPolicy(text)).toThrow(
      expect.objectContaining({ code: "ERR_AUDIT_TRUST", facts: { line, reason: expect.any(String) } }),
    );
  });

  it("of any text is read or refused with ERR_AUDIT_TRUST", () => {
    const word = fc.constantFrom("log", "witness", "group", "quorum", "any", "all", "2", "a", "none", "#", w, log.vkey);
    const lines = fc.array(
      fc.array(word, { maxLength: 5 }).map((words) => words.join(" ")),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          lines.map((all) => all.join("\n")),
        ),
        (text) => {
          expect(attempt(text)).toMatchObject({ logs: expect.any(Array), witnesses: expect.any(Array) });
        },
      ),
      { numRuns: 1000 },
    );
  });
});

function attempt(text: string): TrustPolicy {
  try {
    return parseTrustPolicy(text);
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_TRUST")) return { logs: [], witnesses: [], quorum: undefined };
    throw error;
  }
}
