import { describe, expect, it } from "vitest";
import { authCases, conformanceOf, registerConformance, walletCases, withConformance } from "../src/index.ts";

type Row = readonly [title: string, status: string];

const reportOf = (...rows: readonly Row[]): string =>
  JSON.stringify({ testResults: [{ assertionResults: rows.map(([title, status]) => ({ title, status })) }] });

/** The rows a run of the wallet cases gives, as registerConformance titles them. */
function rowsOf(waive: Record<string, string> = {}, cases = walletCases): Row[] {
  const rows: Row[] = [];
  const runner = {
    it: (title: string): unknown => rows.push([title, "passed"]),
    skip: (title: string): unknown => rows.push([title, "skipped"]),
  };
  registerConformance(runner, cases, async () => Promise.reject(new Error("not run here")), { waive });
  return rows;
}

describe("what a README says of a run", () => {
  it("names the list, the count, the kit's version and the cases", () => {
    expect(conformanceOf(reportOf(...rowsOf(), ["something else", "failed"]))).toMatch(
      /^All 30 `wallet` cases of `@agentkeys\/testkit` \d+\.\d+\.\d+ hold: PLG-01 to PLG-10, WAL-01 to WAL-20\.\nNone is waived\.$/u,
    );
  });
  it("shows each waiver with its reason, and leaves its case out", () => {
    const waive = { "WAL-02": "the far side sees to it (always)", "WAL-20": "no call can be aborted there" };
    const said = conformanceOf(reportOf(...rowsOf(waive)));
    expect(said).toContain("28 of 30");
    expect(said).toContain("PLG-01 to PLG-10, WAL-01, WAL-03 to WAL-19.\nWaived:\n\n");
    expect(said).toContain("- WAL-02: the far side sees to it (always)\n- WAL-20: no call can be aborted there");
  });
  it("is nothing when a case failed, did not run, or failed for one of two fixtures", () => {
    const [first, ...others] = rowsOf();
    const failed: Row = [first![0], "failed"];
    expect(() => conformanceOf(reportOf(failed, ...others))).toThrow("PLG-01 failed");
    expect(() => conformanceOf(reportOf(failed, first!, ...others))).toThrow("PLG-01 failed");
    expect(() => conformanceOf(reportOf(first!, failed, ...others))).toThrow("PLG-01 failed");
    expect(() => conformanceOf(reportOf(...others))).toThrow("PLG-01 did not run");
    expect(() => conformanceOf(reportOf([first![0], "skipped"], ...others))).toThrow("PLG-01 did not run");
  });
  it("is nothing without a report or without a case in it", () => {
    for (const text of ["", "null", "[]", "{}", '{"testResults":[{"assertionResults":[1]}]}'])
      expect(() => conformanceOf(text)).toThrow("no JSON report");
    expect(() => conformanceOf(reportOf(["it works", "passed"]))).toThrow("no conformance case ran");
  });
  it("tells every list from the others", () => {
    const rows = authCases.map(({ id, states }): Row => [`[${id}] ${states}`, "passed"]);
    expect(conformanceOf(reportOf(...rows))).toContain("`auth` cases");
  });
});

describe("a README", () => {
  const readme = "# A plug-in\n\n## Failure modes\n\nNone.\n\n## Conformance\n\nTested by hand besides.\n";
  it("gets the text before what else its section says, and keeps all else", () => {
    const written = withConformance(readme, "All hold.");
    expect(written).toMatch(
      /## Conformance\n\n<!-- .* -->\n\nAll hold\.\n\n<!-- .* -->\n\nTested by hand besides\.\n$/u,
    );
    expect(written.startsWith("# A plug-in\n\n## Failure modes\n\nNone.\n\n")).toBe(true);
  });
  it("is the same when written again, and only the text changes when the run does", () => {
    const written = withConformance(readme, "All hold.");
    expect(withConformance(written, "All hold.")).toBe(written);
    expect(withConformance(written, "Some hold.")).toBe(written.replace("All hold.", "Some hold."));
  });
  it("without that section gets one at its end", () => {
    expect(withConformance("# A plug-in\n", "All hold.")).toMatch(
      /^# A plug-in\n\n## Conformance\n\n<!-- .* -->\n\nAll hold\.\n\n<!-- .* -->\n$/u,
    );
  });
});
