import { describe, expect, it } from "vitest";
import { registerConformance, type ConformanceCase } from "../src/index.ts";

const cases: readonly ConformanceCase<{ readonly name: string }>[] = [
  { id: "TST-01", states: "it has a name", run: async (make) => expectName(await make(), "subject") },
  { id: "TST-02", states: "it has another name", run: async (make) => expectName(await make(), "other") },
];
const make = async (): Promise<{ readonly name: string }> => ({ name: "subject" });

function expectName(found: { readonly name: string }, name: string): void {
  if (found.name !== name) throw new Error(`conformance: it is not ${name}`);
}

/** A runner that keeps what it is given. */
function createRunner() {
  const ran = new Map<string, () => Promise<void>>();
  const skipped: string[] = [];
  return {
    ran,
    skipped,
    it: (title: string, run: () => Promise<void>): unknown => ran.set(title, run),
    skip: (title: string): unknown => skipped.push(title),
  };
}

describe("registerConformance", () => {
  it("registers a test a case, under its id and sentence, that runs the case on what make gives", async () => {
    const runner = createRunner();
    registerConformance(runner, cases, make);
    expect([...runner.ran.keys()]).toEqual(["[TST-01] it has a name", "[TST-02] it has another name"]);
    await expect(runner.ran.get("[TST-01] it has a name")?.()).resolves.toBeUndefined();
    await expect(runner.ran.get("[TST-02] it has another name")?.()).rejects.toThrow("conformance: it is not other");
  });
  it("shows a waived case as skipped, with its reason", () => {
    const runner = createRunner();
    registerConformance(runner, cases, make, { waive: { "TST-02": "it is the only one of its kind" } });
    expect([...runner.ran.keys()]).toEqual(["[TST-01] it has a name"]);
    expect(runner.skipped).toEqual(["[TST-02] it has another name (waived: it is the only one of its kind)"]);
  });
  it("takes no waiver of an unknown case, without a reason, or that nobody would see", () => {
    const { it: run, skip } = createRunner();
    const register = (waive: Record<string, string>, isSeen = true): void =>
      registerConformance(isSeen ? { it: run, skip } : { it: run }, cases, make, { waive });
    expect(() => register({ "TST-99": "it is the only one of its kind" })).toThrow("there is no case TST-99");
    expect(() => register({ "TST-02": "why not" })).toThrow("needs a reason");
    expect(() => register({ "TST-02": "it is the only one of its kind" }, false)).toThrow("skip");
  });
});
