import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { startFakeAws, type FakeAws } from "./fake-aws.ts";
import { serveAwsCredentials, type AwsValue } from "./minting.ts";
import { needs } from "./needs.ts";
import { commandLine, run, watch, type Ended } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const lackingAws = spawnSync("aws", ["--version"]).status === 0 ? undefined : "awscli";
const lackingBoto3 =
  spawnSync("python3", ["-c", "import boto3"]).status === 0 ? undefined : "Python's boto3 (Debian: python3-boto3)";

const person = useSignedIn();
let aws: FakeAws;
let environment: Record<string, string>;
beforeEach(async () => {
  await person.home.pair("report");
  aws = await startFakeAws();
  // Somebody who has keys of their own, in files and in the environment.
  const folder = join(person.home.folder.path, "of-person");
  mkdirSync(join(folder, ".aws"), { recursive: true });
  const keys = "[default]\naws_access_key_id = AKIAOFTHEPERSON\naws_secret_access_key = secret\n";
  writeFileSync(join(folder, ".aws", "credentials"), keys);
  writeFileSync(join(folder, ".aws", "config"), `${keys}region = us-west-2\n[profile other]\nregion = us-west-1\n`);
  environment = {
    HOME: folder,
    AGENTKEYS_HOME: person.home.path,
    AWS_ACCESS_KEY_ID: "AKIAOFTHEENVIRONMENT",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_PROFILE: "other",
    AWS_REGION: "",
    AWS_DEFAULT_REGION: "",
    NO_PROXY: "127.0.0.1",
  };
});
afterEach(async () => {
  await aws.close();
});

/** Debian's awscli takes no address from the environment. */
const whoAmI = (): readonly string[] => ["--endpoint-url", aws.url, "sts", "get-caller-identity"];
const scope = ["--agent", "report", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::reports/*"];
const underRun = async (...words: readonly string[]): Promise<Ended> =>
  run(["run", ...scope, "--", ...words], environment);

describe("awscli under run", () => {
  beforeEach((context) => needs(context, lackingAws));

  it("signs with the agent's credential, in its region, and with no other that it could find", async () => {
    const served = serveAwsCredentials(person.broker);
    const { code, stdout, stderr } = await underRun("aws", ...whoAmI(), "--output", "json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ Account: "123456789012" });
    const [value] = served;
    expect(aws.received).toHaveLength(1);
    expect(aws.received[0]!.authorization).toContain(`Credential=${value!.access_key_id}/`);
    expect(aws.received[0]!.authorization).toContain("/eu-central-1/sts/aws4_request");
    expect(aws.received[0]!["x-amz-security-token"]).toBe(value!.session_token);
  });

  it("says that its credential is a container's", async () => {
    serveAwsCredentials(person.broker);
    const { stdout } = await underRun("aws", "configure", "list");
    expect(stdout).toMatch(/access_key .*container-role/u);
    expect(stdout).toMatch(/region .*eu-central-1/u);
  });
});

describe("boto3 under run", () => {
  beforeEach((context) => needs(context, lackingBoto3));

  it("takes the agent's credential and its end", async () => {
    const served = serveAwsCredentials(person.broker);
    const program = `
import boto3, json, sys
session = boto3.Session()
credentials = session.get_credentials()
print(json.dumps([*credentials.get_frozen_credentials()[:3], credentials._expiry_time.isoformat(), credentials.method, session.region_name]))
print(session.client("sts", endpoint_url=sys.argv[1]).get_caller_identity()["Account"])`;
    const { code, stdout, stderr } = await underRun("python3", "-c", program, aws.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [value] = served;
    const [keys = "", account] = stdout.split("\n");
    expect(JSON.parse(keys)).toEqual([
      value!.access_key_id,
      value!.secret_access_key,
      value!.session_token,
      value!.expiration.replace("Z", "+00:00"),
      "container-role",
      "eu-central-1",
    ]);
    expect(account).toBe("123456789012");
    expect(served).toHaveLength(1);
  });
});

describe("aws-credentials", () => {
  it("prints what a credential_process prints and nothing else, and keeps the receipt", async () => {
    const [value] = [serveAwsCredentials(person.broker)];
    for (const json of [[], ["--json"]]) {
      const { code, stdout, stderr } = await run(["aws-credentials", ...scope, ...json], environment);
      const { access_key_id, secret_access_key, session_token, expiration } = value.at(-1)!;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(stdout)).toEqual({
        Version: 1,
        AccessKeyId: access_key_id,
        SecretAccessKey: secret_access_key,
        SessionToken: session_token,
        Expiration: expiration,
      });
    }
    expect(readdirSync(join(person.home.path, "receipts"))).toHaveLength(2);
  });

  it.each([
    ["no key", { access_key_id: undefined }],
    ["no time of its end", { expiration: "soon" }],
  ])("prints nothing of a credential with %s", async (_, change) => {
    serveAwsCredentials(person.broker, change as Partial<AwsValue>);
    expect(await run(["aws-credentials", ...scope], environment)).toMatchObject({
      code: 69,
      stdout: "",
      stderr: expect.stringContaining("ERR_REQUEST_ANSWER"),
    });
  });

  it("names the earlier end, where AWS and the receipt name two", async () => {
    const earlier = new Date(Date.now() + 1_200_000).toISOString();
    serveAwsCredentials(person.broker, { expiration: earlier });
    const { stdout } = await run(["aws-credentials", ...scope], environment);
    expect(JSON.parse(stdout)).toMatchObject({ Expiration: `${earlier.slice(0, 19)}Z` });
    const served = serveAwsCredentials(person.broker, { expiration: "2999-01-01T00:00:00Z" });
    const { Expiration: end } = JSON.parse((await run(["aws-credentials", ...scope], environment)).stdout);
    expect(served).toHaveLength(1);
    expect(Date.parse(end)).toBeLessThan(Date.now() + 3_601_000);
  });

  describe("as a credential_process", () => {
    beforeEach((context) => needs(context, lackingAws));
    const configure = (): Record<string, string> => {
      const file = join(person.home.folder.path, "config");
      const command = [process.execPath, ...commandLine, "aws-credentials", ...scope]
        .map((word) => `"${word}"`)
        .join(" ");
      writeFileSync(file, `[profile report]\ncredential_process = ${command}\nregion = eu-central-1\n`);
      return {
        ...environment,
        AWS_CONFIG_FILE: file,
        AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
        AWS_PROFILE: "report",
        AWS_ACCESS_KEY_ID: "",
        AWS_SECRET_ACCESS_KEY: "",
      };
    };
    const callAws = async (): Promise<Ended> => {
      const { child, ended } = watch(spawn("aws", whoAmI(), { env: { ...process.env, ...configure() } }));
      child.stdin.end();
      return ended;
    };

    it("signs what awscli sends", async () => {
      const served = serveAwsCredentials(person.broker);
      expect(await callAws()).toMatchObject({ code: 0, stderr: "" });
      expect(aws.received[0]!.authorization).toContain(`Credential=${served[0]!.access_key_id}/`);
      expect(aws.received[0]!["x-amz-security-token"]).toBe(served[0]!.session_token);
    });

    it("lets awscli say why it was refused", async () => {
      person.broker.routes.set("POST /v1/credentials", () =>
        problem(403, "ERR_GRANT_TTL", { detail: "at most 900 s" }),
      );
      const { code, stderr } = await callAws();
      expect(code).not.toBe(0);
      expect(stderr).toContain("ERR_GRANT_TTL: at most 900 s");
    });
  });
});
