import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { isMet, parseRequirement, parseTrustPolicy, verify, type Requirement, type Verdict } from "../src/index.ts";
import { makeReceipt, makeSigner, pathOf, policy, vectors } from "./support.ts";

const trust = parseTrustPolicy(policy);
const [atOnce, witnessed] = vectors.receipts;
if (atOnce === undefined || witnessed === undefined) throw new Error("no vectors");

describe("AgentKeys v1 vectors: verdicts", () => {
  it.each(vectors.receipts)("$verdict: $why", async ({ verdict, receipt, holder }) => {
    const { level } = await verify(JSON.stringify(receipt), trust, { holder });
    expect(level === "INVALID" ? "reject" : "accept").toBe(verdict);
  });

  it("a receipt at once is SIGNED, and says that no witness saw its head", async () => {
    const verdict = await verify(JSON.stringify(atOnce.receipt), trust, { holder: atOnce.holder });
    expect(verdict).toMatchObject({
      level: "SIGNED",
      witnesses: [],
      quorumMet: false,
      facts: {
        origin: vectors.log.origin,
        size: 8,
        index: 1,
        record: { id: "019ab697-e889-7247-8ab1-39892cbcf3fc", type: 2, outcome: 1 },
        opened: { agent: atOnce.holder.agent, scope: atOnce.holder.scope, credential: atOnce.holder.credential },
      },
    });
    expect(verdict.notProven.join("\n")).toContain("no witness of the policy cosigned this head");
    expect(verdict.notProven.join("\n")).toContain("The record's account, grant: committed to, but not opened");
  });

  it("the same record under a cosigned head is WITNESSED, once the quorum is met", async () => {
    const verdict = await verify(JSON.stringify(witnessed.receipt), trust, { holder: witnessed.holder });
    expect(verdict).toMatchObject({ level: "WITNESSED", witnesses: [{ name: "w1" }], quorumMet: true });
    expect(verdict.notProven.join("\n")).not.toContain("cosigned this head");
  });

  it("without a holder it says that nothing was compared", async () => {
    const verdict = await verify(JSON.stringify(atOnce.receipt), trust);
    expect(verdict.level).toBe("SIGNED");
    expect(verdict.notProven.join("\n")).toContain("no holder was given");
  });
});

describe("a verdict", () => {
  const log = makeSigner("log.example/1", 1);
  const witnesses = ["a", "b", "c"].map((name) => ({ name, ...makeSigner("same.example/w", 4) }));
  const lines = witnesses.map(({ name, vkey }) => `witness ${name} ${vkey}\n`).join("");
  const twoOf = parseTrustPolicy(`log ${log.vkey}\n${lines}group g 2 a b c\nquorum g\n`);
  const none = parseTrustPolicy(`log ${log.vkey}\n${lines}quorum none\n`);

  it("counts each witness of the policy by its key, though they share a name", async () => {
    const { text, holder } = makeReceipt(log, witnesses.slice(1), 5, 3);
    expect(await verify(text, twoOf, { holder })).toMatchObject({
      level: "WITNESSED",
      witnesses: [
        { name: "b", timestamp: 1764000000 },
        { name: "c", timestamp: 1764000001 },
      ],
    });
  });

  it("stays SIGNED below the quorum, and says how many cosigned", async () => {
    const { text, holder } = makeReceipt(log, witnesses.slice(0, 1), 5, 3);
    const verdict = await verify(text, twoOf, { holder });
    expect(verdict).toMatchObject({ level: "SIGNED", witnesses: [{ name: "a" }], quorumMet: false });
    expect(verdict.notProven.join("\n")).toContain("1 cosigned this head, less than the policy's quorum");
    expect(await verify(text, none, { holder })).toMatchObject({ level: "WITNESSED", quorumMet: true });
  });

  it("stays SIGNED without a cosignature even where the policy asks for none", async () => {
    const { text, holder } = makeReceipt(log, [], 5, 3);
    expect(await verify(text, none, { holder })).toMatchObject({ level: "SIGNED", quorumMet: true });
  });

  it("does not count a witness that the policy does not list", async () => {
    const { text, holder } = makeReceipt(log, [makeSigner("stranger.example", 4)], 5, 3);
    expect(await verify(text, none, { holder })).toMatchObject({ level: "SIGNED", witnesses: [] });
  });

  it("takes the log's old key and its new one, each under the same origin", async () => {
    const old = makeSigner(log.key.name, 1);
    const both = parseTrustPolicy(`log ${old.vkey}\nlog ${log.vkey}\nquorum none\n`);
    for (const signer of [old, log]) {
      const { text, holder } = makeReceipt(signer, [], 3, 1);
      expect(await verify(text, both, { holder })).toMatchObject({ level: "SIGNED" });
    }
    const stranger = makeReceipt(makeSigner(log.key.name, 1), [], 3, 1);
    expect(await verify(stranger.text, both)).toMatchObject({ level: "INVALID" });
  });

  it("is INVALID for a log that the policy does not list, with the reason", async () => {
    const { text } = makeReceipt(makeSigner("other.example/1", 1), [], 3, 1);
    expect(await verify(text, none)).toEqual({
      level: "INVALID",
      reason: "no log of the policy signed this head",
      notProven: ["Anything: a receipt that does not hold proves nothing."],
    });
    expect(await verify(text, parseTrustPolicy("quorum none\n"))).toMatchObject({ level: "INVALID" });
  });

  it.each(["", "{}", "null", "\u0000", '{"entry":"","tlog_proof":"","anchors":[],"openings":[]}'])(
    "is INVALID for the text %j",
    async (text) => {
      expect(await verify(text, none)).toMatchObject({ level: "INVALID", reason: expect.any(String) });
    },
  );

  it("says of evidence that it was not checked", async () => {
    const { text } = makeReceipt(log, [], 3, 1);
    const evidence = { anchor: "solana", size: 3, note_hash: "ab".repeat(32), finality: 4, proof: {} };
    const verdict = await verify(JSON.stringify({ ...JSON.parse(text), anchors: [evidence] }), none);
    expect(verdict.notProven.join("\n")).toContain("evidence of 1 anchors says: it was not checked");
  });
});

describe("a requirement", () => {
  const valid = (level: "SIGNED" | "WITNESSED" | "ANCHORED", count: number, ...finalities: number[]) =>
    ({
      level,
      quorumMet: level !== "SIGNED",
      witnesses: Array.from({ length: count }, () => ({ name: "w", timestamp: 1 })),
      anchors: finalities.map((finality) => ({ name: "a", finality })),
    }) as unknown as Verdict;

  it.each<[string, Requirement | undefined]>([
    ["signed", { level: "signed" }],
    ["witnessed", { level: "witnessed", witnesses: 1 }],
    ["witnessed:3", { level: "witnessed", witnesses: 3 }],
    ["witnessed:0", undefined],
    ["witnessed:03", undefined],
    ["witnessed:", undefined],
    ["WITNESSED", undefined],
    ["anchored", { level: "anchored", anchors: 1 }],
    ["anchored:2", { level: "anchored", anchors: 2 }],
    ["anchored:0", undefined],
    ["signed:1", undefined],
    ["", undefined],
  ])("of %j is %j", (text, requirement) => {
    expect(parseRequirement(text)).toEqual(requirement);
  });

  it.each<[string, Verdict, boolean]>([
    ["signed", { level: "INVALID", reason: "", notProven: [] }, false],
    ["signed", valid("SIGNED", 0), true],
    ["signed", valid("WITNESSED", 1), true],
    ["witnessed", valid("SIGNED", 2), false],
    ["witnessed", valid("WITNESSED", 1), true],
    ["witnessed:2", valid("WITNESSED", 1), false],
    ["witnessed:2", valid("WITNESSED", 2), true],
    ["signed", valid("ANCHORED", 0, 4), true],
    ["witnessed", valid("ANCHORED", 0, 4), false],
    ["anchored", valid("WITNESSED", 3, 3), false],
    ["anchored", valid("ANCHORED", 0, 4, 2), true],
    ["anchored:2", valid("ANCHORED", 0, 4, 2), false],
    ["anchored:2", valid("ANCHORED", 0, 4, 4), true],
  ])("%s is met as it says by case %#", (text, verdict, met) => {
    const requirement = parseRequirement(text);
    expect(requirement !== undefined && isMet(verdict, requirement)).toBe(met);
  });
});

it("the library uses nothing that a browser lacks, and no network", () => {
  const library = readdirSync(pathOf("../src/")).filter((file) => file.endsWith(".ts") && file !== "bin.ts");
  expect(library).toEqual(expect.arrayContaining(["verify.ts", "audit.ts", "diff.ts"]));
  for (const file of library) {
    const text = readFileSync(pathOf(`../src/${file}`), "utf8");
    expect(text).not.toMatch(/from "node:|\bBuffer\.|\bprocess\.|\bfetch\(|from "\.\/(?:bin\.ts|program\/)/u);
  }
});

it("the library verifies where there is no Buffer and no process, as in a browser", () => {
  const source = `
    const { log } = console;
    delete globalThis.Buffer;
    delete globalThis.process;
    const { parseTrustPolicy, verify } = await import(${JSON.stringify(pathToFileURL(pathOf("../src/index.ts")).href)});
    log((await verify(${JSON.stringify(JSON.stringify(witnessed.receipt))}, parseTrustPolicy(${JSON.stringify(policy)}))).level);
  `;
  const flags = ["--conditions=agentkeys-source", "--input-type=module", "--eval", source];
  expect(execFileSync(process.execPath, flags).toString()).toBe("WITNESSED\n");
});
