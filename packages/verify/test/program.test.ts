import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "./run-program.ts";
import { pathOf, policy, vectors } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "agentkeys-verify-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function save(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const trust = save("trust.policy", policy);
const [atOnce, witnessed] = vectors.receipts;
if (atOnce === undefined || witnessed === undefined) throw new Error("no vectors");
const signedFile = save("signed.json", JSON.stringify(atOnce.receipt));
const witnessedFile = save("witnessed.json", JSON.stringify(witnessed.receipt));
const holderFile = save("holder.json", JSON.stringify(atOnce.holder));

describe("agentkeys-verify", () => {
  it("ends with its verdict where nobody reads the report, and with 74 where it cannot be written", () => {
    const program = ["--conditions=agentkeys-source", pathOf("../src/bin.ts"), signedFile, "--trust", trust];
    const line = [process.execPath, ...program].map((part) => `'${part}'`).join(" ");
    const unread = (command: string): string => `${command} | true; echo "\${PIPESTATUS[0]}"`;
    // Only Linux has a device that is always full.
    const unwritten = `test ! -e /dev/full && echo 74 || { ${line} > /dev/full; echo "$?"; }`;
    const script = [unread(line), unread(`${line} --require witnessed`), unwritten].join("\n");
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(stdout).toBe("0\n10\n74\n");
    expect(stderr).toMatch(
      /^(agentkeys-verify: this is below what is required\n)?(agentkeys-verify: the report cannot be written: .*\n)?$/u,
    );
  });

  it.each(vectors.receipts.map((vector, at) => ({ ...vector, at })))(
    "ends with 0 or 20 as the vector says: $verdict, $why",
    async ({ verdict, why, receipt, holder, at }) => {
      const files = [
        save(`receipt-${at}.json`, JSON.stringify(receipt)),
        save(`holder-${at}.json`, JSON.stringify(holder)),
      ];
      const [receiptPath = "", holderPath = ""] = files;
      const { code, out, err } = await run([receiptPath, "--trust", trust, "--holder", holderPath]);
      expect({ why, code, err }).toEqual({ why, code: verdict === "accept" ? 0 : 20, err: "" });
      expect(out).toMatch(verdict === "accept" ? /^(?:SIGNED|WITNESSED\(1\))\n/u : /^INVALID: /u);
      expect(out).toContain("Not proven:");
    },
  );

  it("prints what is proven and what is not", async () => {
    const { out } = await run([witnessedFile, "--trust", trust, "--holder", holderFile]);
    expect(out.split("\n").slice(0, 13)).toEqual([
      "WITNESSED(1)",
      "",
      "Proven:",
      `  log: ${vectors.log.origin}`,
      "  size: 300",
      "  index: 1",
      "  record: 019ab697-e889-7247-8ab1-39892cbcf3fc",
      "  time: 2025-11-24T16:00:00.137Z",
      "  type: issued",
      "  outcome: ok",
      `  agent: ${atOnce.holder.agent}`,
      `  scope: ${atOnce.holder.scope}`,
      `  credential: ${atOnce.holder.credential}`,
    ]);
    expect(out).toMatch(
      /\n {2}cosigned by w1 at 2025-\d\d-\d\dT[\d:.]+Z\n\nNot proven:\n {2}- That the witnesses are independent/u,
    );
  });

  it("ends with 10 when the receipt is valid but below what is required", async () => {
    const required = (file: string, level: string) => run([file, "--trust", trust, "--require", level]);
    expect((await required(signedFile, "signed")).code).toBe(0);
    expect(await required(signedFile, "witnessed")).toMatchObject({
      code: 10,
      out: expect.stringMatching(/^SIGNED\n/u),
      err: "agentkeys-verify: this is below what is required\n",
    });
    expect((await required(witnessedFile, "witnessed")).code).toBe(0);
    expect((await required(witnessedFile, "witnessed:1")).code).toBe(0);
    expect((await required(witnessedFile, "witnessed:2")).code).toBe(10);
  });

  it("prints the verdict as JSON, and takes the receipt from standard input", async () => {
    const receipt = JSON.stringify(witnessed.receipt);
    const { code, out } = await run(["-", "--trust", trust, "--require", "witnessed:2", "--json"], receipt);
    expect(code).toBe(10);
    expect(JSON.parse(out)).toMatchObject({
      level: "WITNESSED",
      met: false,
      witnesses: [{ name: "w1", cosigned_at: expect.stringMatching(/^2025-.*Z$/u) }],
      quorum_met: true,
      facts: {
        log: vectors.log.origin,
        size: 300,
        index: 1,
        type: "issued",
        outcome: "ok",
        agent: atOnce.holder.agent,
        valid_from: "2025-11-24T16:00:00.000Z",
        valid_to: "2025-11-24T16:10:00.000Z",
      },
      not_proven: expect.arrayContaining([expect.stringContaining("no holder was given")]),
    });
    const invalid = await run(["-", "--trust", trust, "--json"], "{}");
    expect(invalid.code).toBe(20);
    expect(JSON.parse(invalid.out)).toMatchObject({ level: "INVALID", met: false, reason: expect.any(String) });
  });

  it("finds a receipt that is not UTF-8 invalid", async () => {
    const bytes = Buffer.from(JSON.stringify(atOnce.receipt));
    const path = save("latin1.json", Buffer.concat([bytes.subarray(0, -1), Buffer.from([0x20, 0xff, 0x7d])]));
    expect(await run([path, "--trust", trust])).toMatchObject({ code: 20, out: expect.stringContaining("not UTF-8") });
  });

  it("writes no control character of a receipt to the terminal", async () => {
    // A map with the text key ESC [31m ESC ]0;x BEL, twice.
    const key = "6b1b5b33316d1b5d303b7807";
    const entry = Buffer.from(`a2${key}01${key}01`, "hex").toString("base64");
    const { out } = await run(["-", "--trust", trust], JSON.stringify({ ...atOnce.receipt, entry }));
    expect(out).toMatch(/^INVALID: .*repeat map key/u);
    expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("says how it is used with --help, and ends with 0", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: agentkeys-verify RECEIPT --trust POLICY/u);
  });

  const missing = join(folder, "missing");
  const badPolicy = save("bad.policy", "quorum none\ntrust me\n");
  const badHolders = ["{", "[]", "{}", '{"agent":"a","scope":"s","credential":"c","validity":[1]}'].map((text, at) =>
    save(`bad-holder-${at}.json`, text),
  );
  const strangeHolder = save("strange.json", JSON.stringify({ ...atOnce.holder, account: "x" }));
  it.each<[string, string[], string]>([
    ["no receipt", ["--trust", trust], "name one receipt"],
    ["two receipts", [signedFile, signedFile, "--trust", trust], "name one receipt"],
    ["no trust", [signedFile], "--trust"],
    ["an unknown option", [signedFile, "--trust", trust, "--online"], "--online"],
    ["an unknown level", [signedFile, "--trust", trust, "--require", "blessed"], "--require"],
    ["a receipt that is not there", [missing, "--trust", trust], "missing"],
    ["a policy that is not there", [signedFile, "--trust", missing], "missing"],
    ["a policy with a mistake", [signedFile, "--trust", badPolicy], "line 2"],
    ["a holder with a further member", [signedFile, "--trust", trust, "--holder", strangeHolder], "holder"],
    ...badHolders.map((path): [string, string[], string] => [
      `the holder ${path.slice(-6, -5)}`,
      [signedFile, "--trust", trust, "--holder", path],
      "holder",
    ]),
  ])("ends with 64 for %s, saying so", async (_, args, said) => {
    const { code, out, err } = await run(args);
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(err).toContain(said);
  });

  it("compares a holder whose credential has no start by its end alone", async () => {
    const holder = save("no-start.json", JSON.stringify({ ...atOnce.holder, validity: [null, 1764000600] }));
    expect((await run([signedFile, "--trust", trust, "--holder", holder])).code).toBe(0);
  });

  it.each([
    ["20.19.0", 78],
    ["22.11.0", 78],
    ["22.14.0", 0],
    ["24.0.0", 0],
  ])("on Node.js %s ends with %i", async (version, expected) => {
    const change = `Object.defineProperty(process.versions, "node", { value: "${version}" })`;
    const flags = ["--import", `data:text/javascript,${encodeURIComponent(change)}`];
    const { code, out, err } = await run([signedFile, "--trust", trust], "", flags);
    expect(code).toBe(expected);
    expect(expected === 0 ? out : err).toMatch(
      expected === 0 ? /^SIGNED/u : /^ERR_CONFIG_NODE_VERSION: .*22\.14.*\n$/u,
    );
  });
});
