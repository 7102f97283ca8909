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
      endpoint: "https://sts.eu-central-1.amazonaws.com",
    },
  });
});

it.each([
  ["aws-cn", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"],
  ["aws-us-gov", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"],
])("asks the STS of the partition %s in its region %s", async (partition, region, endpoint) => {
  const section = { role_arn: `arn:${partition}:iam::123456789012:role/agents`, region };
  expect(await check(section)).toMatchObject({ value: { endpoint } });
});

it("takes a role without an account, and any region, of the STS it is told of", async () => {
  const section = { role_arn: "arn:aws:iam:::role/agents", region: "cn-north-1", sts_endpoint: "https://sts.example" };
  expect(await check(section)).toMatchObject({ value: { endpoint: "https://sts.example" } });
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
  ["no account, without sts_endpoint", { ...least, role_arn: "arn:aws:iam:::role/agents" }],
  ["a region of another partition", { ...least, region: "cn-north-1" }],
  ["a role of another partition", { ...least, role_arn: "arn:aws-us-gov:iam::123456789012:role/agents" }],
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
