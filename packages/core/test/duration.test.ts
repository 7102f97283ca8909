import { describe, expect, it } from "vitest";
import { formatIssues, parseDuration } from "../src/index.ts";

describe("parseDuration", () => {
  it.each([
    ["50ms", 0.05],
    ["1s", 1],
    ["90s", 90],
    ["15m", 900],
    ["1h", 3600],
    ["30d", 2_592_000],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });
  it.each(["", "1", "h", "0s", "01s", "-1s", "+1s", "1.5h", "1 h", " 1h", "1h\n", "1H", "1w", "1h30m", "1e3s", "٣s"])(
    "%j is no duration",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe("formatIssues", () => {
  it("writes the path as the TOML file has it", () => {
    const issues = [
      { message: "expected an https URL", path: ["rpc_url"] },
      { message: "expected text", path: [{ key: "headers" }, { key: 0 }] },
      { message: "unknown key" },
    ];
    expect(formatIssues("audit.base", issues)).toEqual([
      "audit.base.rpc_url: expected an https URL",
      "audit.base.headers.0: expected text",
      "audit.base: unknown key",
    ]);
    expect(formatIssues("", [{ message: "expected a table" }])).toEqual(["(root): expected a table"]);
  });
});
