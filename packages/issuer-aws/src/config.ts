import type { StandardSchemaV1 } from "@agentkeys/core";
import * as v from "valibot";
import { parseRole, type Role } from "./role.ts";

/** The section `[issuer.aws]`, checked. */
export interface AwsSettings {
  readonly role: Role;
  readonly region: string;
  /** Of the identity token: what the role's trust policy and the identity provider name. */
  readonly audience: string;
  readonly algorithm: "RS256" | "ES256";
  /** Whether the token says account, agent and grant as session tags; then the role's trust policy needs `sts:TagSession`. */
  readonly hasSessionTags: boolean;
  /** Origin of the STS that is asked. */
  readonly endpoint: string;
}

const role = v.pipe(
  v.string(),
  v.rawTransform<string, Role>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseRole(dataset.value);
    if (parsed !== undefined) return parsed;
    addIssue({ message: "expected the ARN of a role, such as arn:aws:iam::123456789012:role/agents" });
    return NEVER;
  }),
);
const endpoint = v.pipe(
  v.string(),
  v.check(isEndpoint, "expected an https URL without path, or an http URL of the loopback interface"),
);

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, href, username } = new URL(text);
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/u.test(hostname);
  const isPlain = username === "" && (href === text || href === `${text}/`) && new URL(text).pathname === "/";
  return isPlain && (protocol === "https:" || (protocol === "http:" && isLoopback));
}

/** Where STS answers in each partition, and how the names of its regions begin. The first row that fits a region counts. */
const partitions = [
  { name: "aws-cn", regions: "cn-", suffix: "amazonaws.com.cn" },
  { name: "aws-us-gov", regions: "us-gov-", suffix: "amazonaws.com" },
  { name: "aws", regions: "", suffix: "amazonaws.com" },
] as const;

function partitionOf(region: string): (typeof partitions)[number] | undefined {
  return partitions.find(({ regions }) => region.startsWith(regions));
}

/** The schema of `[issuer.aws]`. Unknown keys are errors. An STS of another maker may know no accounts, and call regions as it likes. */
export const config: StandardSchemaV1<unknown, AwsSettings> = v.pipe(
  v.strictObject({
    role_arn: role,
    region: v.pipe(v.string(), v.regex(/^[a-z]{2,}(-[a-z]+)+-\d$/u, "expected a region, such as eu-central-1")),
    audience: v.optional(
      v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,255}$/u, "expected up to 255 visible ASCII characters")),
      "sts.amazonaws.com",
    ),
    algorithm: v.optional(v.picklist(["RS256", "ES256"]), "RS256"),
    session_tags: v.optional(v.boolean(), true),
    sts_endpoint: v.optional(endpoint),
  }),
  v.forward(
    v.check(
      (value) => value.sts_endpoint !== undefined || partitionOf(value.region)?.name === value.role_arn.partition,
      "expected a region of the role's partition, or sts_endpoint",
    ),
    ["region"],
  ),
  v.forward(
    v.check(
      (value) => value.sts_endpoint !== undefined || value.role_arn.account !== "",
      "expected an account in it, or sts_endpoint",
    ),
    ["role_arn"],
  ),
  v.transform((value): AwsSettings => ({
    role: value.role_arn,
    region: value.region,
    audience: value.audience,
    algorithm: value.algorithm,
    hasSessionTags: value.session_tags,
    endpoint: value.sts_endpoint ?? `https://sts.${value.region}.${partitionOf(value.region)?.suffix}`,
  })),
);
