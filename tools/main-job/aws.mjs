// The part of the main job that needs AWS, with Ceph's STS and store in its place: what an operator sets up there, and what an agent
// does with it by Debian's awscli.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** @typedef {{ url: string, section: string, settle(port: number, data: string): Promise<void>, endpoint: string, stop(): Promise<void> }} AwsPlace */

const debian = "ceph-common ceph-mgr ceph-mon ceph-osd radosgw awscli openssl";

/** Debian's own, where it is there: another one of that name may be of another kind. */
const awscli = existsSync("/usr/bin/aws") ? "/usr/bin/aws" : "aws";

/**
 * Starts Ceph, and a proxy before the broker that adds a certificate to its key, which Ceph wants and AWS does not. Throws where the
 * programs are missing.
 *
 * @param {string} root the repository
 * @returns {Promise<AwsPlace>}
 */
export async function startAwsPlace(root) {
  for (const program of ["ceph-mon", "radosgw", awscli, "openssl"])
    if (spawnSync(program, ["--version"]).error !== undefined)
      throw new Error(`${program} is not here; on Debian: apt-get install --no-install-recommends ${debian}`);
  const load = async (/** @type {string} */ name) =>
    import(pathToFileURL(join(root, "packages/issuer-aws/test/support", name)).href);
  const { startCeph } = await load("ceph.ts");
  const { startCertifiedFront } = await load("certified-front.ts");
  const { furnish, region, roleArn } = await load("furnish.ts");
  const ceph = await startCeph();
  const front = await startCertifiedFront();
  return {
    url: front.url,
    endpoint: ceph.endpoint,
    section: `
[issuer]
names = ["oidc", "aws"]

[issuer.aws]
role_arn = "${roleArn}"
region = "${region}"
sts_endpoint = "${ceph.endpoint}"
session_tags = false

[[rights]]
who = { role = "operator" }
issuer = "oidc"
scope = { actions = ["token"], resources = ["https://*"] }
max_ttl = "1h"

[[rights]]
who = { role = "operator" }
issuer = "aws"
scope = { actions = ["s3:*"], resources = ["arn:aws:s3:::reports/*"] }
max_ttl = "1h"
`,
    async settle(port, data) {
      const thumbprint = front.open(port, join(data, "keys/workload-rs256.pem"));
      await furnish(ceph, { issuer: front.url, thumbprint });
    },
    async stop() {
      await front.close();
      await ceph.stop();
    },
  };
}

/**
 * A grant for one prefix of a bucket, and what stock tools can do with it.
 *
 * @param {{ narrator: import("./narrator.mjs").Narrator, programs: import("./programs.mjs").Programs,
 *   typed: (program: string, args: readonly string[]) => string, ask: (args: readonly string[]) => Promise<any> }} tools
 * @param {AwsPlace} place
 * @param {{ pass: readonly string[], person: readonly string[], agent: readonly string[] }} parties
 */
export async function awsJob({ narrator, programs, typed, ask }, { endpoint }, { pass, person, agent }) {
  const actions = ["--action", "s3:GetObject", "--action", "s3:ListBucket"];
  const scope = ["--issuer", "aws", ...actions, "--resource", "arn:aws:s3:::reports/2026/*"];
  const create = ["grants", "create", "--agent", "report", ...scope, "--max-ttl", "1h", ...pass, ...person];
  await narrator.step("A grant for AWS: one prefix of a bucket", [typed("agentkeys", create)], async () => {
    const grant = await ask(create);
    return [undefined, `${grant.id}: ${grant.issuer}, ${grant.scope.actions} on ${grant.scope.resources}`];
  });
  const asAgent = ["run", "--agent", "report", "--issuer", "aws", "--ttl", "20m", ...agent, "--"];
  const run = (/** @type {string[]} */ ...words) => [...asAgent, awscli, "--endpoint-url", endpoint, ...words];
  const own = run("s3", "ls", "s3://reports/2026/");
  const other = run("s3", "cp", "s3://reports/2025/a", "-");
  await narrator.step(
    "AWS's own command line as the agent: no code, no key in its environment or files, only a token for this machine",
    [typed("agentkeys", own)],
    async () => [undefined, (await programs.run("agentkeys", own)).stdout.trim()],
  );
  await narrator.step("Another prefix is refused by the store itself", [typed("agentkeys", other)], async () => {
    const ended = await programs.start("agentkeys", other).ended;
    const refusal = ended.stderr.split("\n").find((line) => line.includes("403"));
    if (ended.code === 0 || refusal === undefined) throw new Error(`it was not refused:\n${ended.stderr}`);
    return [undefined, refusal];
  });
  const audit = ["audit", "show", ...pass, ...person];
  await narrator.step("Each use in the owner's audit", [typed("agentkeys", audit)], async () => {
    const { records } = await ask(audit);
    const used = records.filter((/** @type {{issuer?: string}} */ one) => one.issuer === "aws");
    return [
      undefined,
      ...used.map((/** @type {any} */ one) => `${one.type} ${one.outcome}  ${one.credential ?? one.id}`),
    ];
  });
}
