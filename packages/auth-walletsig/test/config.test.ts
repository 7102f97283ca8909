import { readFileSync } from "node:fs";
import { formatIssues } from "@agentkeys/core";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { config } from "../src/config.ts";

async function issuesOf(section: unknown): Promise<readonly string[]> {
  const { issues } = await config["~standard"].validate(section);
  return formatIssues("auth.walletsig", issues ?? []);
}

describe("the section [auth.walletsig]", () => {
  it("may be empty: five chains, ten minutes", async () => {
    expect(await config["~standard"].validate({})).toMatchObject({
      value: { chainIds: [1, 10, 137, 8453, 42_161, "solana:mainnet"], challengeSeconds: 600 },
    });
  });

  it("takes the example of the README", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const examples = [...readme.matchAll(/^```toml\n(.*?)^```/gmsu)].map(([, toml = ""]) => parse(toml));
    expect(examples).toHaveLength(1);
    const { walletsig } = examples[0]!["auth"] as { walletsig: object };
    expect(Object.keys(walletsig)).toEqual(["chain_ids", "challenge_ttl", "rpc"]);
    expect(await issuesOf(walletsig)).toEqual([]);
  });

  const lifetime = 'auth.walletsig.challenge_ttl: expected a duration from "1m" to "45m"';
  const chain = 'expected an EIP-155 chain id, or a text such as "solana:mainnet"';
  const url =
    'expected an http or https URL without user and fragment, or a reference { file = "…" } or { env = "…" } to one';
  it.each<[unknown, readonly string[]]>([
    [{ rpc: { "2": "https://rpc.example" } }, ["auth.walletsig.rpc.2: expected a chain id of chain_ids"]],
    [{ rpc: { "01": "https://rpc.example" } }, ["auth.walletsig.rpc.01: expected a chain id of chain_ids"]],
    [{ rpc: { "1": "ftp://rpc.example" } }, [`auth.walletsig.rpc.1: ${url}`]],
    [{ rpc: { "1": "https://user:secret@rpc.example" } }, [`auth.walletsig.rpc.1: ${url}`]],
    [{ chain_ids: ["solana:other"] }, [`auth.walletsig.chain_ids.0: ${chain}`]],
    [{ challenge_ttl: "46m" }, [lifetime]],
    [{ challenge_ttl: "59s" }, [lifetime]],
    [{ challenge_ttl: "60500ms" }, [lifetime]],
    [{ challenge_ttl: "ten minutes" }, [lifetime]],
    [{ chain_ids: [] }, ["auth.walletsig.chain_ids: expected at least one chain id, and none twice"]],
    [{ chain_ids: [1, 1] }, ["auth.walletsig.chain_ids: expected at least one chain id, and none twice"]],
    [
      { chain_ids: [1, 0, 1.5, 2 ** 53], challenge_ttl: "46m" },
      [
        `auth.walletsig.chain_ids.1: ${chain}`,
        `auth.walletsig.chain_ids.2: ${chain}`,
        `auth.walletsig.chain_ids.3: ${chain}`,
        lifetime,
      ],
    ],
  ])("refuses %j and says where", async (section, issues) => {
    expect(await issuesOf(section)).toEqual(issues);
  });

  it.each([
    { rpc_url: "https://rpc.example" },
    { chain_ids: ["1"] },
    { chain_ids: 1 },
    { challenge_ttl: 600 },
    "10m",
    1,
  ])("refuses what nothing reads: %j", async (section) => {
    expect(await issuesOf(section)).toHaveLength(1);
  });
});
