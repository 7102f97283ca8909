import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { problem, tokens } from "../../../packages/client/test/test-broker.ts";
import { agentId } from "./made-home.ts";
import { run, start } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;
const file = (...path: string[]): string => join(person.home.path, ...path);

describe("agents pair", () => {
  beforeEach(() => {
    person.broker.routes.set("POST /oauth/device_authorization", () => ({
      status: 200,
      body: {
        device_code: "device-1",
        user_code: "WDJB-MJHT",
        verification_uri: `${person.broker.url}/pair`,
        expires_in: 60,
        interval: 1,
      },
    }));
  });

  it("shows the code at once, waits, and stores a private profile with the account's pinned keys", async () => {
    let isApproved = false;
    person.broker.routes.set("POST /oauth/token", () =>
      isApproved ? tokens({ agent: agentId }) : problem(400, "ERR_SESSION_PENDING"),
    );
    const pairing = start(["agents", "pair", "--name", "report", "--json", ...person.home.options]);
    const [line] = await pairing.until(/^\{.*"event":"user_code".*\}$/mu);
    const shown = JSON.parse(line);
    expect(shown).toMatchObject({ user_code: "WDJB-MJHT", verification_uri: `${person.broker.url}/pair` });
    isApproved = true;
    const { code, stdout, stderr } = await pairing.ended;
    expect(code).toBe(0);
    expect(stderr).toContain("agentkeys agents approve WDJB-MJHT");
    expect(stderr).toContain(shown.key_thumbprint);
    const profile = file("agents", "report.json");
    expect(JSON.parse(stdout.trim().split("\n")[1]!)).toEqual({
      event: "paired",
      agent: agentId,
      name: "report",
      profile,
    });
    expect((statSync(profile).mode & 0o777).toString(8)).toBe("600");
    expect(JSON.parse(readFileSync(profile, "utf8"))).toMatchObject({
      agent: agentId,
      broker: person.broker.url,
      trust: { log: person.broker.log.vkey, witnesses: [person.broker.log.witnessVkey] },
    });
    expect(person.broker.count("/.well-known/agentkeys")).toBe(0);
  });

  it("elsewhere pins the key the broker names, under a home of its own", async () => {
    person.broker.routes.set("POST /oauth/token", () => tokens({ agent: agentId }));
    const elsewhere = join(person.home.folder.path, "machine");
    const args = ["agents", "pair", "--name", "report", "--home", elsewhere, "--broker", person.broker.url];
    expect((await run([...args, "--agent-home", join(elsewhere, "of-agent")])).code).toBe(0);
    const profile = JSON.parse(readFileSync(join(elsewhere, "of-agent", "agents", "report.json"), "utf8"));
    expect(profile.trust).toEqual({ log: person.broker.log.vkey, witnesses: [] });
  });

  it("that is denied stores nothing, and a name that is taken is kept", async () => {
    person.broker.routes.set("POST /oauth/token", () => problem(400, "ERR_SESSION_DENIED"));
    expect(await agentkeys("agents", "pair", "--name", "report")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ERR_SESSION_DENIED"),
    });
    expect(existsSync(file("agents", "report.json"))).toBe(false);
    await person.home.pair("report");
    expect(await agentkeys("agents", "pair", "--name", "report")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("--replace"),
    });
  });
});
