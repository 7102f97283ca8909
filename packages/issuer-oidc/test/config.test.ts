import { readFileSync } from "node:fs";
import { formatIssues, parseScope } from "@agentkeys/core";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { parseAudienceScope } from "../src/audience.ts";
import { config } from "../src/config.ts";

async function issuesOf(section: unknown): Promise<readonly string[]> {
  const { issues } = await config["~standard"].validate(section);
  return formatIssues("issuer.oidc", issues ?? []);
}

describe("the section [issuer.oidc]", () => {
  it("may be empty: all tokens are signed with ES256", async () => {
    expect(await config["~standard"].validate({})).toMatchObject({ value: { rs256Audiences: [] } });
  });

  it("takes the example of the README, whose rights it can serve", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const examples = [...readme.matchAll(/^```toml\n(.*?)^```/gmsu)].map(([, toml = ""]) => parse(toml));
    expect(examples).toHaveLength(1);
    const { issuer, rights } = examples[0] as unknown as {
      readonly issuer: { readonly names: readonly string[]; readonly oidc: object };
      readonly rights: readonly { readonly scope: object }[];
    };
    expect(issuer.names).toEqual(["oidc"]);
    expect(Object.keys(issuer.oidc)).toEqual(["rs256_audiences"]);
    expect(await issuesOf(issuer.oidc)).toEqual([]);
    for (const { scope } of rights) expect(parseAudienceScope(scope)).toEqual(parseScope(scope));
  });

  const pattern = 'expected an audience or a pattern such as "https://*"';
  it("names each audience that is none", async () => {
    expect(await issuesOf({ rs256_audiences: ["api", "https://*.example", "https://API.example", ""] })).toEqual([
      `issuer.oidc.rs256_audiences.1: ${pattern}: a * may stand only at the end, after / or :`,
      `issuer.oidc.rs256_audiences.2: ${pattern}: it is not in its canonical spelling, https://api.example/`,
      `issuer.oidc.rs256_audiences.3: ${pattern}: it is empty`,
    ]);
  });

  it.each([{ audiences: [] }, { rs256_audiences: "api" }, { rs256_audiences: [1] }, "api", 1])(
    "refuses what nothing reads: %j",
    async (section) => {
      expect(await issuesOf(section)).toHaveLength(1);
    },
  );
});
