import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { listedGrant } from "./account-broker.ts";
import { serveAwsCredentials, serveCredentials } from "./minting.ts";
import { run, type Ended } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();

const scope = ["--action", "s3:GetObject", "--resource", "arn:aws:s3:::reports/2026/*"];
// The machine of a test may name a region.
const noRegion = { AWS_REGION: "", AWS_DEFAULT_REGION: "" };

/** Runs `agentkeys run` as the agent. */
async function runAs(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const home = { AGENTKEYS_HOME: person.home.path };
  return run(["run", "--agent", "report", ...args], { ...home, ...noRegion, ...environment });
}

/** Runs a command under `agentkeys run` with a scope. */
const runUnder = async (words: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended> =>
  runAs([...scope, "--", ...words], environment);

/** A command that is this JavaScript. */
const script = (text: string): readonly string[] => [process.execPath, "--input-type=module", "--eval", text];
const askEndpoint = `
const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env;
const ask = async () => fetch(url, { headers: { authorization } });`;

describe("run", () => {
  it("gives the command a loopback address that answers as a container's does, and keeps the receipt", async () => {
    await person.home.pair("report");
    const served = serveAwsCredentials(person.broker);
    const { code, stdout, stderr } = await runUnder(
      script(`${askEndpoint} console.log(JSON.stringify({ url, ...(await (await ask()).json()) }));`),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { url, ...answer } = JSON.parse(stdout);
    const [value] = served;
    expect(answer).toEqual({
      AccessKeyId: value!.access_key_id,
      SecretAccessKey: value!.secret_access_key,
      Token: value!.session_token,
      Expiration: value!.expiration,
    });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/credentials$/u);
    expect(person.broker.sent("/v1/credentials")).toEqual([
      { issuer: "aws", scope: { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/2026/*"] }, ttl: 3600 },
    ]);
    const [receipt] = readdirSync(join(person.home.path, "receipts"));
    expect(JSON.parse(readFileSync(join(person.home.path, "receipts", receipt!), "utf8"))).toHaveProperty("tlog_proof");
  });

  it("asked by 100 at once mints once", async () => {
    await person.home.pair("report");
    const served = serveAwsCredentials(person.broker);
    const many = `const keys = await Promise.all(Array.from({ length: 100 }, async () => (await (await ask()).json()).AccessKeyId));`;
    const { stdout } = await runUnder(script(`${askEndpoint} ${many} console.log(new Set(keys).size, keys.length);`));
    expect(stdout).toBe("1 100\n");
    expect(served).toHaveLength(1);
  });

  it("renews a credential that ends soon under a new Idempotency-Key, each with its receipt", async () => {
    await person.home.pair("report");
    const served = serveAwsCredentials(person.broker, { lives: 4 });
    // All of so short a life is its last minute: who asks after half of it waits for the next.
    const later = `const first = (await (await ask()).json()).AccessKeyId;
await new Promise((resolve) => setTimeout(resolve, 2100));
console.log(first, (await (await ask()).json()).AccessKeyId);`;
    const { stdout } = await runUnder(script(`${askEndpoint} ${later}`));
    expect(stdout.trim().split(" ")).toEqual(served.map((value) => value.access_key_id));
    const keys = person.broker.received
      .filter(({ path }) => path === "/v1/credentials")
      .map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).not.toBe(keys[1]);
    expect(readdirSync(join(person.home.path, "receipts"))).toHaveLength(2);
  });

  it("notes on stderr that a renewal was refused, and goes on with what is good", async () => {
    await person.home.pair("report");
    const served = serveAwsCredentials(person.broker, { lives: 10 });
    const grantRoute = person.broker.routes.get("POST /v1/credentials")!;
    person.broker.routes.set("POST /v1/credentials", (received) =>
      served.length === 0 ? grantRoute(received) : problem(403, "ERR_GRANT_USED_UP"),
    );
    const later = `await ask(); await new Promise((resolve) => setTimeout(resolve, 5100));
const answer = await ask(); console.log(answer.status, (await answer.json()).AccessKeyId);`;
    const { code, stdout, stderr } = await runUnder(script(`${askEndpoint} ${later}`));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `200 ${served[0]!.access_key_id}\n` });
    expect(stderr).toContain("agentkeys: ERR_GRANT_USED_UP: ");
  });

  it("tells the command of a refusal in the words of an SDK, and says it on stderr too", async () => {
    await person.home.pair("report");
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_TTL", { detail: "at most 900 s" }));
    const { code, stdout, stderr } = await runUnder(
      script(`${askEndpoint} const a = await ask(); console.log(a.status, await a.text());`),
      { AWS_REGION: "eu-west-1" },
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: `403 {"code":"ERR_GRANT_TTL","message":"at most 900 s"}\n` });
    expect(stderr).toContain("agentkeys: ERR_GRANT_TTL: at most 900 s");
  });

  it("without a region in the environment needs the credential's, and does not begin where it is refused", async () => {
    await person.home.pair("report");
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_USED_UP"));
    const out = join(person.home.folder.path, "began");
    expect(await runUnder(["touch", out])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^agentkeys: ERR_GRANT_USED_UP: [^]*\n$/u),
    });
    expect(existsSync(out)).toBe(false);
  });

  it("with a region in the environment asks for no credential until the command does", async () => {
    await person.home.pair("report");
    const served = serveAwsCredentials(person.broker);
    expect((await runUnder(["true"], { AWS_REGION: "eu-west-1" })).code).toBe(0);
    expect(served).toEqual([]);
  });

  it("serves no credential of another type", async () => {
    await person.home.pair("report");
    serveCredentials(person.broker);
    const oidc = "--issuer oidc --action token --resource https://api.example.com".split(" ");
    const { code, stderr } = await runAs([...oidc, "--", "true"]);
    expect({ code, stderr }).toEqual({
      code: 64,
      stderr: "agentkeys: issuer oidc gives credentials of type jwt, not of type aws\n",
    });
  });

  it("leaves no listener behind, also where what the command started goes on", async () => {
    await person.home.pair("report");
    serveAwsCredentials(person.broker);
    const { code, stdout } = await runUnder([
      "sh",
      "-c",
      "echo $AWS_CONTAINER_CREDENTIALS_FULL_URI; sleep 3 >/dev/null 2>&1 &",
    ]);
    expect(code).toBe(0);
    const socket = connect(Number(new URL(stdout.trim()).port), "127.0.0.1");
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("ends with the command though the broker still owes an answer", async () => {
    await person.home.pair("report");
    person.broker.routes.set("POST /v1/credentials", async () => Promise.withResolvers<never>().promise);
    const began = Date.now();
    const { code, stdout, stderr } = await runUnder(
      script(`${askEndpoint} await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(500) })
.catch((error) => console.log(error.name));`),
      { AWS_REGION: "eu-west-1" },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "TimeoutError\n", stderr: "" });
    // One exchange with the broker may take twenty seconds.
    expect(Date.now() - began).toBeLessThan(15_000);
  });

  it("asks for all that the agent's one grant allows where no scope is given", async () => {
    await person.home.pair("report");
    serveAwsCredentials(person.broker);
    const own = { ...listedGrant, id: "grn_00000000000000000000000001", issuer: "aws" };
    const granted = { actions: ["s3:ListBucket"], resources: ["arn:aws:s3:::reports"] };
    const grants = [listedGrant, { ...own, scope: granted }];
    person.broker.routes.set("GET /v1/grants/mine", () => ({ status: 200, body: { grants } }));
    expect((await runAs(["--ttl", "15m", "--", "true"])).code).toBe(0);
    expect(person.broker.sent("/v1/credentials")).toEqual([{ issuer: "aws", scope: granted, ttl: 900, grant: own.id }]);

    grants.push({ ...own, id: "grn_00000000000000000000000002", scope: granted });
    const several = await runAs(["--", "true"]);
    expect(several).toMatchObject({ code: 64, stderr: expect.stringContaining("grn_00000000000000000000000002") });
    const second = ["--grant", "grn_00000000000000000000000002"];
    expect((await runAs([...second, "--", "true"])).code).toBe(0);
    grants.length = 0;
    expect(await runAs(["--", "true"])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("no live grant of issuer aws"),
    });
  });
});

describe("run's command line", () => {
  it.each([
    ["no --", ["true"]],
    ["nothing behind --", ["--"]],
    ["a word before --", ["true", "--", "true"]],
    ["an action without a resource", ["--action", "s3:GetObject", "--", "true"]],
  ])("with %s is wrong usage", async (_, words) => {
    await person.home.pair("report");
    expect(await runAs(words)).toMatchObject({ code: 64, stdout: "" });
  });

  it("leaves the command's own options alone", async () => {
    await person.home.pair("report");
    serveAwsCredentials(person.broker);
    const words = ["--json", "--help", "--", "--home", "x", "-y"];
    expect(await runUnder(["printf", "%s\\n", ...words])).toMatchObject({ code: 0, stdout: `${words.join("\n")}\n` });
    const failed = await runUnder(["no-such-command", "--json"]);
    expect(failed).toMatchObject({ code: 127, stderr: "agentkeys: no-such-command: command not found\n" });
  });
});
