import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import aws from "../src/index.ts";

const least = { role_arn: "arn:aws:iam::123456789012:role/agents", region: "eu-central-1" };
const check = async (section: unknown) => aws.config["~standard"].validate(section);

it("takes a role and a region, and has a default for all else", async () => {
  expect(await check(least)).toMatchObject({
    value: {
      role: { partition: "aws", account: "123456789012", name: "agents" },
      audience: "sts.amazonaws.com",
      algorithm: "RS256",
      hasSessionTags: true,
      endpoint: undefined,
    },
  });
});

it("takes the TOML of the README", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, toml = ""] = /```toml\n([^`]*)```/u.exec(readme) ?? [];
  const { issuer } = parse(toml) as { issuer: { names: string[]; aws: unknown } };
  expect(issuer.names).toContain("aws");
  expect((await check(issuer.aws)).issues).toBeUndefined();
});

it.each([
  ["no region", { role_arn: least.role_arn }],
  ["a user's ARN", { ...least, role_arn: "arn:aws:iam::123456789012:user/agents" }],
  ["an account of 11 digits", { ...least, role_arn: "arn:aws:iam::12345678901:role/agents" }],
  ["a pattern of roles", { ...least, role_arn: "arn:aws:iam::123456789012:role/*" }],
  ["a word as region", { ...least, region: "frankfurt" }],
  ["plain http elsewhere", { ...least, sts_endpoint: "http://sts.example" }],
  ["an endpoint with a path", { ...least, sts_endpoint: "https://sts.example/path" }],
  ["an endpoint with a user", { ...least, sts_endpoint: "https://me:pw@sts.example" }],
  ["HS256", { ...least, algorithm: "HS256" }],
  ["an empty audience", { ...least, audience: "" }],
  ["an unknown key", { ...least, access_key_id: "AKIA" }],
])("refuses %s", async (_what, section) => {
  expect((await check(section)).issues).toHaveLength(1);
});
