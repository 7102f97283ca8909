import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
let folder: string;

// The plug-in as it stands in an install that has core and valibot, and neither nodemailer nor the AWS SDK.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentkeys-auth-email-"));
  await cp(here("../src"), join(folder, "src"), { recursive: true });
  await cp(here("../package.json"), join(folder, "package.json"));
  await mkdir(join(folder, "node_modules/@agentkeys"), { recursive: true });
  await symlink(here("../../core"), join(folder, "node_modules/@agentkeys/core"));
  await symlink(here("../node_modules/valibot"), join(folder, "node_modules/valibot"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What `create` says of a section, in a process of its own. */
async function create(section: object): Promise<unknown> {
  const program = `
    const { default: email } = await import("./src/index.ts");
    const { value } = await email.config["~standard"].validate(${JSON.stringify(section)});
    const host = { name: "email", secret: async () => "" };
    const outcome = await email.create(value, host).then(() => ({ code: "created" }), ({ code, facts }) => ({ code, facts }));
    process.stdout.write(JSON.stringify(outcome));`;
  const flags = ["--conditions=agentkeys-source", "--no-warnings", "--input-type=module", "--eval", program];
  const { stdout } = await run(process.execPath, flags, { cwd: folder });
  return JSON.parse(stdout);
}

describe("in an install without the libraries of the transports", () => {
  it("the plug-in loads and is made, as long as it is to send nothing", async () => {
    expect(await create({})).toEqual({ code: "created" });
  });

  it.each([
    ["smtp", { host: "mail.acme.example" }, "nodemailer@10"],
    ["ses", { region: "eu-west-1" }, "@aws-sdk/client-sesv2@3"],
  ])("transport %s is refused with the command that installs what is missing", async (transport, section, library) => {
    expect(await create({ from: "a@acme.example", transport, [transport]: section })).toEqual({
      code: "ERR_PLUGIN_NOT_LOADABLE",
      facts: {
        specifier: library,
        reason: `the library of transport "${transport}" does not load, run: npm install --ignore-scripts ${library}`,
      },
    });
  });
});
