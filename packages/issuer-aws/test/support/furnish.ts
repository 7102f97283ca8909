// What an operator sets up at AWS, set up at Ceph: the provider, the role, and buckets with something in them.
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Ceph } from "./ceph.ts";

export const region = "us-east-1";
export const roleArn = "arn:aws:iam:::role/agents";

/** The objects that are there, by bucket; each holds its bucket and key. */
export const objects = [
  ["reports", "2026/a"],
  ["reports", "2025/a"],
  ["secrets", "2026/a"],
] as const;

const policyOf = (statement: object): string => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });

/** Has Ceph trust a provider of identity tokens, by the URL and the SHA-1 of its certificate, for a role that may do all of S3. */
export async function furnish(
  { endpoint, root: credentials }: Ceph,
  { issuer, thumbprint }: { readonly issuer: string; readonly thumbprint: string },
): Promise<void> {
  const iam = new IAMClient({ endpoint, region, credentials });
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const audience = "sts.amazonaws.com";
  const name = new URL(issuer).host;
  await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: [audience], ThumbprintList: [thumbprint] }),
  );
  const trust = policyOf({
    Effect: "Allow",
    Principal: { Federated: [`arn:aws:iam:::oidc-provider/${name}`] },
    Action: ["sts:AssumeRoleWithWebIdentity"],
    Condition: { StringEquals: { [`${name}:app_id`]: audience } },
  });
  await iam.send(new CreateRoleCommand({ RoleName: "agents", Path: "/", AssumeRolePolicyDocument: trust }));
  const all = policyOf({ Effect: "Allow", Action: ["s3:*"], Resource: "arn:aws:s3:::*" });
  await iam.send(new PutRolePolicyCommand({ RoleName: "agents", PolicyName: "all", PolicyDocument: all }));
  for (const Bucket of new Set(objects.map(([bucket]) => bucket))) await s3.send(new CreateBucketCommand({ Bucket }));
  for (const [Bucket, Key] of objects) await s3.send(new PutObjectCommand({ Bucket, Key, Body: `${Bucket} ${Key}` }));
}
