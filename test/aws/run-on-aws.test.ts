// What a person sees: a command under `agentkeys run` lists its own prefix of a real store and is refused another by the store, while
// neither its environment nor the agent's files hold more than a short-lived token of the loopback endpoint.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  claim,
  freePort,
  grant,
  openBroker,
  type Caller,
  type TestBroker,
} from "../../apps/broker/test/flows/harness.ts";
import { run, start, type Ended } from "../../apps/cli/test/run-command.ts";
import { hasCeph, startCeph, type Ceph } from "../../packages/issuer-aws/test/support/ceph.ts";
import { startCertifiedFront, type CertifiedFront } from "../../packages/issuer-aws/test/support/certified-front.ts";
import { furnish, region, roleArn } from "../../packages/issuer-aws/test/support/furnish.ts";

// Under CI they have to be there: tools/ci-packages.txt brings them.
const hasClients =
  process.env["CI"] === "true" ||
  (spawnSync("aws", ["--version"]).status === 0 && spawnSync("python3", ["-c", "import boto3"]).status === 0);

/** Lists a bucket's prefix, or says the store's refusal. */
const list = `
import boto3, botocore, sys
try:
    print(boto3.client("s3", endpoint_url=sys.argv[3]).list_objects_v2(Bucket=sys.argv[1], Prefix=sys.argv[2])["KeyCount"])
except botocore.exceptions.ClientError as error:
    print(error.response["Error"]["Code"])`;

/** The endpoint's answer on stderr, the environment on stdout. */
const askAndShow = `const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env;
fetch(url, { headers: { authorization } }).then(async (answer) => process.stderr.write(await answer.text()));
for (const [name, value] of Object.entries(process.env)) console.log(name + "=" + value);`;

describe.skipIf(!(hasCeph() && hasClients))("aws under agentkeys run", () => {
  let ceph: Ceph;
  let front: CertifiedFront;
  let broker: TestBroker;
  let person: Caller;
  let id: string;
  let home: string;

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
    home = join(broker.folder, "agent");
    const pairing = start(["agents", "pair", "--name", "report", "--broker", front.url, "--home", home, "--json"]);
    const [line] = await pairing.until(/^\{.*"event":"user_code".*\}$/mu);
    const approved = await person.call("POST", "/v1/pairings/approve", { user_code: JSON.parse(line).user_code });
    await pairing.ended;
    id = String(approved.body["id"]);
    const scope = { actions: ["s3:GetObject", "s3:ListBucket"], resources: ["arn:aws:s3:::reports/2026/*"] };
    await grant(person, id, { issuer: "aws", scope, constraints: { max_ttl: 3600 } });
  }, 120_000);
  afterAll(async () => {
    await broker?.close();
    await front?.close();
    await ceph?.stop();
  }, 30_000);

  /** Debian's awscli takes no address from the environment. */
  const aws = (...words: readonly string[]): readonly string[] => ["aws", "--endpoint-url", ceph.endpoint, ...words];
  const underRun = async (...words: readonly string[]): Promise<Ended> =>
    run(["run", "--agent", "report", "--home", home, "--", ...words], {
      AWS_REGION: "",
      AWS_DEFAULT_REGION: "",
      NO_PROXY: "127.0.0.1",
    });

  test("lists its own prefix, and is refused another one and another bucket by the store", async () => {
    expect(await underRun(...aws("s3", "ls", "s3://reports/2026/"))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ a\n$/u),
      stderr: "",
    });
    expect(await underRun(...aws("s3", "cp", "s3://reports/2026/a", "-"))).toMatchObject({ stdout: "reports 2026/a" });
    for (const [bucket, prefix] of [
      ["reports", "2025/"],
      ["secrets", "2026/"],
    ] as const) {
      expect((await underRun(...aws("s3", "ls", `s3://${bucket}/${prefix}`))).code).toBeGreaterThan(0);
      // awscli loses the store's word where no message comes with it, as from Ceph.
      expect(await underRun("python3", "-c", list, bucket, prefix, ceph.endpoint)).toMatchObject({
        code: 0,
        stdout: "AccessDenied\n",
      });
    }
  });

  test("leaves a record of each use in the owner's audit, and the agent its receipt", async () => {
    const { body } = await person.call("GET", "/v1/audit/records?limit=200");
    const records = body["records"] as { agent?: string; type: string; id: string }[];
    const issued = records.filter((one) => one.agent === id && one.type === "issued");
    expect(issued).toHaveLength(6);
    for (const record of issued) expect(existsSync(join(home, "receipts", `${record.id}.json`))).toBe(true);
    const [receipt = ""] = globSync(join(home, "receipts/*.json"));
    expect((await run(["audit", "verify", receipt, "--agent", "report", "--home", home])).code).toBe(0);
  });

  test("holds in environment and files no more than a token of the loopback endpoint", async () => {
    const { stdout, stderr } = await underRun(process.execPath, "--eval", askAndShow);
    const { SecretAccessKey, Token } = JSON.parse(stderr);
    expect(Token).toEqual(expect.any(String));
    const files = globSync(join(broker.folder, "agent/**")).filter((path) => statSync(path).isFile());
    const everything = [stdout, ...files.map((path) => readFileSync(path, "utf8"))].join("\n");
    for (const secret of [SecretAccessKey, Token]) expect(everything).not.toContain(secret);
    expect(everything).toMatch(/^AWS_CONTAINER_AUTHORIZATION_TOKEN=[\w-]{43}$/mu);
  });
});
