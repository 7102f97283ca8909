import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serveAwsCredentials } from "./minting.ts";
import { needs } from "./needs.ts";
import { run, type Ended } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/build/loopback.md"), "utf8");
const [, curl = ""] = /```sh\n(printf [^]*?)```/u.exec(page) ?? [];
const [, python = ""] = /```python\n([^]*?)```/u.exec(page) ?? [];
const lackingCurl = spawnSync("curl", ["--version"]).status === 0 ? undefined : "curl";
const lackingBoto3 =
  spawnSync("python3", ["-c", "import boto3"]).status === 0 ? undefined : "Python's boto3 (Debian: python3-boto3)";

const person = useSignedIn();
const scope = ["--agent", "report", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::reports/*"];
async function underRun(...words: readonly string[]): Promise<Ended> {
  await person.home.pair("report");
  return run(["run", ...scope, "--", ...words], {
    AGENTKEYS_HOME: person.home.path,
    AWS_REGION: "",
    AWS_DEFAULT_REGION: "",
  });
}

describe("docs/build/loopback.md", () => {
  it("shows how curl asks, and how it ends when it is refused", async (context) => {
    needs(context, lackingCurl);
    const [value] = [serveAwsCredentials(person.broker)];
    const { code, stdout } = await underRun("sh", "-c", curl);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ AccessKeyId: value[0]!.access_key_id, Token: value[0]!.session_token });
    const refused = await underRun("sh", "-c", `AWS_CONTAINER_AUTHORIZATION_TOKEN=other; ${curl}`);
    expect(refused).toMatchObject({ code: 22, stdout: expect.stringContaining('"code":"ERR_SESSION_TOKEN"') });
  });

  it("shows a program in Python that has the credential without being told", async (context) => {
    needs(context, lackingBoto3);
    const served = serveAwsCredentials(person.broker);
    const { code, stdout } = await underRun("python3", "-c", python);
    expect(code).toBe(0);
    expect(stdout).toBe(`${served[0]!.access_key_id} in eu-central-1\n`);
  });
});
