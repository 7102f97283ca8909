import { createIdentityTokens, issuerCases, registerConformance, type IssuerFixture } from "@agentkeys/testkit";
import type { Credential } from "@agentkeys/core";
import { it } from "vitest";
import aws from "../src/index.ts";
import { parseRole } from "../src/role.ts";
import { startFakeSts } from "./support/fake-sts.ts";
import { scopeOf } from "./support/policy-reader.ts";
import { roleArn, scopeText } from "./support/open-issuer.ts";

const tokens = createIdentityTokens();
/** The kit's hosts begin their time here. */
const start = Date.UTC(2026, 0, 1);

async function makeFixture(): Promise<IssuerFixture> {
  const sts = await startFakeSts(parseRole(roleArn)!, tokens, () => start);
  return {
    plugin: aws,
    config: { role_arn: roleArn, region: "eu-central-1", sts_endpoint: sts.endpoint },
    accepts: [
      scopeText(["s3:GetObject"], ["arn:aws:s3:::reports/2026/*"]),
      scopeText(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::reports/a", "arn:aws:s3:::reports/b/*"]),
      scopeText(["s3:ListBucket"], ["arn:aws:s3:::reports"]),
      scopeText(["sqs:*"], ["arn:aws:sqs:eu-central-1:123456789012:jobs"]),
      scopeText(
        ["dynamodb:GetItem", "s3:GetObject"],
        ["arn:aws:dynamodb:eu-central-1:123456789012:table/t", "arn:aws:s3:::reports/*"],
      ),
    ],
    refuses: [
      scopeText(["s3:Get*"], ["arn:aws:s3:::reports/*"]),
      scopeText(["*"], ["arn:aws:s3:::reports/*"]),
      scopeText(["s3:getobject"], ["arn:aws:s3:::reports/*"]),
      scopeText(["GetObject"], ["arn:aws:s3:::reports/*"]),
      scopeText(["s3:GetObject"], ["*"]),
      scopeText(["s3:GetObject"], ["arn:aws:s3:::re*ports/x"]),
      scopeText(["s3:GetObject"], ["arn:aws:s3:::report?/x"]),
      scopeText(["s3:GetObject"], ["arn:aws:s3:::reports/${aws:username}/*"]),
      scopeText(["s3:GetObject"], ["arn:aws-cn:s3:::reports/*"]),
      scopeText(["sqs:SendMessage"], ["arn:aws:sqs:eu-central-1:210987654321:jobs"]),
      scopeText(["sqs:SendMessage"], ["arn:aws:sqs:eu-central-1::jobs"]),
      scopeText(["s3:ListBucket"], ["arn:aws:s3:::reports/index"]),
      scopeText(["s3:ListBucketMultipartUploads"], ["arn:aws:s3:::reports/2026/*"]),
      scopeText(["s3:GetObject"], ["arn:aws:sqs:eu-central-1:123456789012:jobs"]),
      scopeText(["s3:GetObject", "sqs:SendMessage"], ["arn:aws:s3:::reports/*"]),
      scopeText(
        ["s3:GetObject"],
        Array.from({ length: 60 }, (_, at) => `arn:aws:s3:::a-bucket-of-a-long-name/${at + 100}/*`),
      ),
    ],
    identityTokens: tokens,
    farSide: sts,
    read({ value }: Credential) {
      const { access_key_id: id, secret_access_key: secret, session_token: token } = value as Record<string, string>;
      const given = sts.sessions.get(id!)!;
      return { scope: scopeOf(given.policy), id: id!, expiresAt: given.expiresAt, secrets: [secret!, token!] };
    },
    close: async () => sts.close(),
  };
}

registerConformance({ it }, issuerCases, makeFixture);
