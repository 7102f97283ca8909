import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AgentKeysError, describeError, errorRegistry, isAgentKeysError, type ErrorRow } from "../src/index.ts";

const families = [
  "CONFIG",
  "PLUGIN",
  "REQUEST",
  "AUTH",
  "SESSION",
  "GRANT",
  "WALLET",
  "AUDIT",
  "ISSUER",
  "STORAGE",
  "INTERNAL",
];
const byText = (one: string, other: string): number => (one < other ? -1 : 1);
const rows: [string, ErrorRow<object>][] = Object.entries(errorRegistry);

describe("the error registry", () => {
  it.each(rows)("%s has a known family, a status, and sentences that end in a full stop", (code, row) => {
    const [, family] = /^ERR_([A-Z]+)(?:_[A-Z]+)*$/u.exec(code) ?? [];
    expect(families).toContain(family);
    expect(["caller", "operator", "plugin", "remote", "broker"]).toContain(row.fault);
    expect(["now", "later", "never"]).toContain(row.retry);
    // A sign-in that is still pending is the one answer that is no failure.
    expect(row.status === 202 || (row.status >= 400 && row.status < 600)).toBe(true);
    expect(row.public).toBeTypeOf("boolean");
    for (const sentence of [row.meaning, row.next]) expect(sentence).toMatch(/^[A-Z].*\.$/u);
  });
  it("says each thing once", () => {
    expect(new Set(rows.map(([, { meaning }]) => meaning)).size).toBe(rows.length);
  });
  it("writes each code once, because the second of two rows would silently replace the first", () => {
    const source = readFileSync(new URL("../src/error-registry.ts", import.meta.url), "utf8");
    const codes = [...source.matchAll(/^ {2}(ERR_[A-Z_]+): row/gmu)].map(([, code]) => code);
    expect(codes).toEqual([...new Set(codes)]);
    expect(new Set(codes)).toEqual(new Set(Object.keys(errorRegistry)));
  });
  it("keeps the rows of a family together, in the order of the families", () => {
    const found = rows.map(([code]) => families.indexOf(code.split("_")[1]!));
    expect(found).toEqual(found.toSorted((one, other) => one - other));
  });
  it("blames no caller for a 5xx, but for what a wallet cannot do", () => {
    const odd = rows.filter(([, { status, fault }]) => status >= 500 && status !== 501 && fault === "caller");
    expect(odd).toEqual([]);
  });
  it("knows the OAuth names of RFC 6749, 6750, 8628, 9449 and 9470", () => {
    const known = [
      ..."invalid_request invalid_client invalid_grant unsupported_grant_type access_denied".split(" "),
      ..."invalid_token insufficient_scope authorization_pending slow_down expired_token".split(" "),
      ..."invalid_dpop_proof use_dpop_nonce insufficient_user_authentication".split(" "),
    ];
    const used = rows.flatMap(([, { oauth }]) => oauth ?? []);
    expect([...new Set(used)].toSorted(byText)).toEqual(known.toSorted(byText));
  });
});

describe("AgentKeysError", () => {
  const error = new AgentKeysError("ERR_WALLET_BOUND", "bound elsewhere", { address: "0x1" }, { cause: "why" });

  it("carries code, message, frozen facts and cause", () => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "AgentKeysError", code: "ERR_WALLET_BOUND", message: "bound elsewhere" });
    expect(error.facts).toEqual({ address: "0x1" });
    expect(Object.isFrozen(error.facts)).toBe(true);
    expect(error.cause).toBe("why");
  });
  it("keeps its facts when the object they came from changes", () => {
    const facts = { address: "0x1" };
    const kept = new AgentKeysError("ERR_WALLET_BOUND", "", facts);
    facts.address = "0x2";
    expect(kept.facts.address).toBe("0x1");
  });
  it("is recognised by code, and also where another copy of core made it", () => {
    expect(isAgentKeysError(error)).toBe(true);
    expect(isAgentKeysError(error, "ERR_WALLET_BOUND")).toBe(true);
    expect(isAgentKeysError(error, "ERR_WALLET_PROOF")).toBe(false);
    const foreign = Object.defineProperty(new Error("x"), Symbol.for("agentkeys.error"), { value: true });
    expect(isAgentKeysError(Object.assign(foreign, { code: "ERR_INTERNAL" }), "ERR_INTERNAL")).toBe(true);
  });
  it.each([
    ["an error of Node", Object.assign(new Error("x"), { code: "ERR_WALLET_BOUND" })],
    ["what only looks like one", { name: "AgentKeysError", code: "ERR_WALLET_BOUND" }],
    ["undefined", undefined],
    ["text", "ERR_WALLET_BOUND"],
  ])("%s is none", (_what, value) => {
    expect(isAgentKeysError(value)).toBe(false);
  });
});

describe("describeError", () => {
  it("gives the row of a code and nothing for other text", () => {
    expect(describeError("ERR_WALLET_BOUND")).toBe(errorRegistry.ERR_WALLET_BOUND);
    for (const text of ["ERR_NO_SUCH_CODE", "constructor", "__proto__", ""])
      expect(describeError(text)).toBeUndefined();
  });
});
