// The whole way: a person grants an agent one prefix of a bucket, the broker records the intent, Ceph's STS takes the broker's token,
// and Ceph's store opens that prefix and nothing else.
import { join } from "node:path";
import { GetObjectCommand, S3Client } from "../../packages/issuer-aws/test/support/s3.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ask,
  claim,
  freePort,
  grant,
  openBroker,
  pair,
  type Caller,
  type TestBroker,
} from "../../apps/broker/test/flows/harness.ts";
import { hasCeph, startCeph, type Ceph } from "../../packages/issuer-aws/test/support/ceph.ts";
import { startCertifiedFront, type CertifiedFront } from "../../packages/issuer-aws/test/support/certified-front.ts";
import { furnish, region, roleArn } from "../../packages/issuer-aws/test/support/furnish.ts";

describe.skipIf(!hasCeph())("an agent with a grant for a prefix", () => {
  let ceph: Ceph;
  let front: CertifiedFront;
  let broker: TestBroker;
  let person: Caller;
  let agent: Caller;
  let id: string;

  beforeAll(async () => {
    [ceph, front] = await Promise.all([startCeph(), startCertifiedFront()]);
    const port = await freePort();
    const toml = `public_url = "${front.url}"
[issuer]
names = ["oidc", "aws"]
[issuer.aws]
role_arn = "${roleArn}"
region = "${region}"
sts_endpoint = "${ceph.endpoint}"
session_tags = false
[[rights]]
who = { role = "operator" }
issuer = "aws"
scope = { actions = ["s3:*"], resources = ["arn:aws:s3:::reports/*"] }
max_ttl = "1h"
`;
    broker = await openBroker(toml, port);
    const thumbprint = front.open(port, join(broker.folder, "data/keys/workload-rs256.pem"));
    await furnish(ceph, { issuer: front.url, thumbprint });
    ({ caller: person } = await claim(broker));
    ({ agent, id } = await pair(broker, person));
    const scope = { actions: ["s3:GetObject", "s3:ListBucket"], resources: ["arn:aws:s3:::reports/2026/*"] };
    await grant(person, id, { issuer: "aws", scope, constraints: { max_ttl: 1800 } });
  }, 120_000);
  afterAll(async () => {
    await broker?.close();
    await front?.close();
    await ceph?.stop();
  }, 30_000);

  const wanted = {
    issuer: "aws",
    ttl: 1200,
    scope: { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/2026/*"] },
  };

  test("reads there, is refused elsewhere by the store, and each use stands in the owner's audit", async () => {
    const { status, body } = await ask(agent, wanted);
    expect(body).toMatchObject({ credential: { type: "aws" } });
    expect(status).toBe(200);
    const {
      access_key_id: accessKeyId,
      secret_access_key: secretAccessKey,
      session_token: sessionToken,
    } = body.credential.value;
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    const s3 = new S3Client({ endpoint: ceph.endpoint, region, forcePathStyle: true, credentials });
    const read = async (Bucket: string, Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));
    expect(await (await read("reports", "2026/a")).Body?.transformToString()).toBe("reports 2026/a");
    await expect(read("reports", "2025/a")).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(read("secrets", "2026/a")).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    const { body: audit } = await person.call("GET", "/v1/audit/records?limit=200");
    const mine = (audit["records"] as { agent?: string; type: string }[]).filter((one) => one.agent === id);
    const [result, intent] = mine.filter(({ type }) => type === "issued" || type === "intent");
    expect(result).toMatchObject({ type: "issued", outcome: "ok", credential: accessKeyId });
    expect(intent).toMatchObject({ type: "intent" });
  });

  test("is given nothing beyond the grant, and nobody is asked for it", async () => {
    const wide = { ...wanted, scope: { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/*"] } };
    expect(await ask(agent, wide)).toMatchObject({ status: 403, body: { code: "ERR_GRANT_DENIED" } });
    const short = await ask(agent, { ...wanted, ttl: 900 });
    expect(short).toMatchObject({ status: 400, body: { code: "ERR_ISSUER_TTL", facts: { minimum: 960 } } });
  });
});
