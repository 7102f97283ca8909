import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installAlone, type LoneInstall } from "../../testkit/test/lone-install.ts";

let alone: LoneInstall;
// Neither nodemailer nor the AWS SDK is there.
beforeAll(async () => {
  alone = await installAlone(join(import.meta.dirname, ".."), "valibot");
});
afterAll(() => alone.remove());

/** What `create` says of a section, in a process of its own. */
async function create(section: object): Promise<unknown> {
  return alone.print(`
    const { default: email } = await import("./src/index.ts");
    const { value } = await email.config["~standard"].validate(${JSON.stringify(section)});
    const host = { name: "email", secret: async () => "" };
    const outcome = await email.create(value, host).then(() => ({ code: "created" }), ({ code, facts }) => ({ code, facts }));
    process.stdout.write(JSON.stringify(outcome));`);
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
