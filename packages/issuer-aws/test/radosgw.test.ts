// The real thing as far as it can be had here: Ceph's STS gives the session, and Ceph's store decides what it opens.
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRecordId, type Credential, type CredentialIssuer, type IssueOrder } from "@agentkeys/core";
import { createFakeHost } from "@agentkeys/testkit";
import aws from "../src/index.ts";
import { hasCeph, startCeph, type Ceph } from "./support/ceph.ts";
import { furnish, region, roleArn } from "./support/furnish.ts";
import { startIdentityProvider, type IdentityProvider } from "./support/identity-provider.ts";
import { scopeText } from "./support/open-issuer.ts";

describe.skipIf(!hasCeph())("a session of Ceph's STS", () => {
  let ceph: Ceph;
  let provider: IdentityProvider;
  let issuer: CredentialIssuer;
  // The store goes by the time it is.
  const host = { ...createFakeHost({ name: "aws" }), now: Date.now };

  beforeAll(async () => {
    [ceph, provider] = await Promise.all([startCeph(), startIdentityProvider()]);
    await furnish(ceph, provider);
    const section = { role_arn: roleArn, region, sts_endpoint: ceph.endpoint, session_tags: false };
    const checked = await aws.config["~standard"].validate(section);
    if (checked.issues !== undefined) throw new Error("the section is refused");
    issuer = await aws.create(checked.value, host);
  }, 120_000);
  afterAll(async () => {
    await issuer?.close();
    await provider?.close();
    await ceph?.stop();
  }, 30_000);

  const call = () => ({ requestId: "req_1", signal: AbortSignal.timeout(10_000), deadline: host.now() + 10_000 });

  async function order(
    actions: readonly string[],
    resources: readonly string[],
    change: { audience?: string; isForged?: boolean } = {},
  ): Promise<IssueOrder> {
    const issuedAt = Math.floor(host.now() / 1000);
    const made = {
      record: newRecordId(host.now(), host.random(10)),
      account: "ad".repeat(32),
      agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
      grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
      scope: issuer.parseScope(scopeText(actions, resources)),
      credentialId: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
      issuedAt,
      expiresAt: issuedAt + 1800,
    };
    return { ...made, identityToken: await provider.sign(made, change) };
  }

  function storeOf({ value }: Credential): S3Client {
    const { access_key_id: id, secret_access_key: secret, session_token: token } = value as Record<string, string>;
    const credentials = { accessKeyId: id!, secretAccessKey: secret!, sessionToken: token! };
    return new S3Client({ endpoint: ceph.endpoint, region, forcePathStyle: true, credentials });
  }

  const denied = { $metadata: { httpStatusCode: 403 } };

  it("opens its own prefix, and neither another one nor another bucket nor a write", async () => {
    const scope = [["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::reports/2026/*"]] as const;
    const s3 = storeOf(await issuer.issue(await order(...scope), call()));
    const read = async (Bucket: string, Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));
    const list = async (Bucket: string, Prefix?: string) =>
      s3.send(new ListObjectsV2Command({ Bucket, ...(Prefix === undefined ? {} : { Prefix }) }));
    expect(await (await read("reports", "2026/a")).Body?.transformToString()).toBe("reports 2026/a");
    expect((await list("reports", "2026/")).Contents?.map(({ Key }) => Key)).toEqual(["2026/a"]);
    await expect(read("reports", "2025/a")).rejects.toMatchObject(denied);
    await expect(read("secrets", "2026/a")).rejects.toMatchObject(denied);
    await expect(list("reports")).rejects.toMatchObject(denied);
    await expect(list("reports", "2025/")).rejects.toMatchObject(denied);
    await expect(list("secrets", "2026/")).rejects.toMatchObject(denied);
    const put = s3.send(new PutObjectCommand({ Bucket: "reports", Key: "2026/b", Body: "x" }));
    await expect(put).rejects.toMatchObject(denied);
  });

  it("of one object lists nothing, also not what begins like its name", async () => {
    const actions = ["s3:GetObject", "s3:ListBucket"];
    const scope = [actions, ["arn:aws:s3:::reports/2025/*", "arn:aws:s3:::reports/2026/a"]] as const;
    const s3 = storeOf(await issuer.issue(await order(...scope), call()));
    const list = async (Prefix: string) => s3.send(new ListObjectsV2Command({ Bucket: "reports", Prefix }));
    expect((await list("2025/")).KeyCount).toBe(1);
    await expect(list("2026/a")).rejects.toMatchObject(denied);
  });

  it("is not given for a token of another audience, nor for one of another key", async () => {
    const scope = [["s3:GetObject"], ["arn:aws:s3:::reports/*"]] as const;
    for (const change of [{ audience: "another" }, { isForged: true }]) {
      const refused = issuer.issue(await order(...scope, change), call());
      await expect(refused).rejects.toMatchObject({
        code: "ERR_ISSUER_FAILED",
        message: expect.stringMatching(/^STS: (AccessDenied|InvalidIdentityToken): /u),
      });
    }
    expect((await issuer.issue(await order(...scope), call())).type).toBe("aws");
  });

  it("needs an STS that answers, which readiness asks", async () => {
    expect(await issuer.ready(call())).toEqual({ status: "ready" });
  });
});
