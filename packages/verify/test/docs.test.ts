import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseTrustEpochs } from "../src/index.ts";
import { usage } from "../src/program/usage.ts";
import { pathOf, vectors } from "./support.ts";

const page = readFileSync(pathOf("../../../docs/trust/audit.md"), "utf8");

describe("the auditor's page", () => {
  it("shows an anchors.toml that is read as it stands, with a log's own origin and key filled in", () => {
    const [, block = ""] = /^```toml anchors\.toml\n([\s\S]*?)^```$/mu.exec(page) ?? [];
    const text = block.replace("ORIGIN", vectors.log.origin).replace("VKEY", vectors.log.vkey);
    const [epoch] = parseTrustEpochs(text);
    expect(epoch).toMatchObject({ origin: vectors.log.origin });
    expect(epoch?.anchors.get("solana")?.package).toBe("@agentkeys/audit-solana");
  });

  it("uses only options that the program has, and names every exit code of its help", () => {
    const commands = page.match(/^agentkeys-verify .*$/gmu) ?? [];
    const options = new Set(commands.flatMap((command) => command.match(/--[a-z-]+/gu) ?? []));
    expect(options.size).toBeGreaterThan(6);
    expect([...options].filter((option) => !usage.includes(option))).toEqual([]);
    for (const code of [10, 20, 21, 22, 64]) expect(page).toMatch(new RegExp(`\\b${code}\\b`, "u"));
  });
});
