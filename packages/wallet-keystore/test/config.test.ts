import { readFileSync } from "node:fs";
import { formatIssues } from "@agentkeys/core";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { config } from "../src/config.ts";

async function issuesOf(section: unknown): Promise<readonly string[]> {
  const { issues } = await config["~standard"].validate(section);
  return formatIssues("wallet.keystore", issues ?? []);
}

describe("the section [wallet.keystore]", () => {
  it("may be empty: ten minutes", async () => {
    expect(await config["~standard"].validate({})).toMatchObject({ value: { challengeSeconds: 600 } });
  });

  it("takes the example of the README", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const examples = [...readme.matchAll(/^```toml\n(.*?)^```/gmsu)].map(([, toml = ""]) => parse(toml));
    expect(examples).toHaveLength(1);
    const { provisioner, keystore } = { ...(examples[0]!["wallet"] as Record<string, object>) };
    expect(provisioner).toBe("keystore");
    expect(Object.keys(keystore!)).toEqual(["challenge_ttl"]);
    expect(await issuesOf(keystore)).toEqual([]);
  });

  it.each(["46m", "59s", "60500ms", "0s", "ten minutes"])("refuses a lifetime of %s and says where", async (ttl) => {
    expect(await issuesOf({ challenge_ttl: ttl })).toEqual([
      'wallet.keystore.challenge_ttl: expected a duration from "1m" to "45m"',
    ]);
  });

  it.each([{ custody: "broker" }, { challenge_ttl: 600 }, "10m", 1])(
    "refuses what nothing reads: %j",
    async (section) => {
      expect(await issuesOf(section)).toHaveLength(1);
    },
  );
});
