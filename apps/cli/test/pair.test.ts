import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem, tokens } from "../../../packages/client/test/test-broker.ts";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { agentId, makeHome, type MadeHome } from "./made-home.ts";
import { run, start } from "./run-command.ts";

let broker: AccountBroker;
let home: MadeHome;
beforeEach(async () => {
  broker = await startAccountBroker();
  home = await makeHome(broker);
});
afterEach(async () => {
  await broker.close();
  await home.folder.remove();
});

const agentkeys = async (...args: string[]) => run([...args, ...home.options]);
const file = (...path: string[]): string => join(home.path, ...path);

describe("agents pair", () => {
  beforeEach(() => {
    broker.routes.set("POST /oauth/device_authorization", () => ({
      status: 200,
      body: {
        device_code: "device-1",
        user_code: "WDJB-MJHT",
        verification_uri: `${broker.url}/pair`,
        expires_in: 60,
        interval: 1,
      },
    }));
  });

  it("shows the code at once, waits, and stores a private profile with the account's pinned keys", async () => {
    let isApproved = false;
    broker.routes.set("POST /oauth/token", () =>
      isApproved ? tokens({ agent: agentId }) : problem(400, "ERR_SESSION_PENDING"),
    );
    const pairing = start(["agents", "pair", "--name", "report", "--json", ...home.options]);
    const [line] = await pairing.until(/^\{.*"event":"user_code".*\}$/mu);
    const shown = JSON.parse(line);
    expect(shown).toMatchObject({ user_code: "WDJB-MJHT", verification_uri: `${broker.url}/pair` });
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
      broker: broker.url,
      trust: { log: broker.log.vkey, witnesses: [broker.log.witnessVkey] },
    });
    expect(broker.count("/.well-known/agentkeys")).toBe(0);
  });

  it("elsewhere pins the key the broker names, under a home of its own", async () => {
    broker.routes.set("POST /oauth/token", () => tokens({ agent: agentId }));
    const elsewhere = join(home.folder.path, "machine");
    const args = ["agents", "pair", "--name", "report", "--home", elsewhere, "--broker", broker.url];
    expect((await run([...args, "--agent-home", join(elsewhere, "of-agent")])).code).toBe(0);
    const profile = JSON.parse(readFileSync(join(elsewhere, "of-agent", "agents", "report.json"), "utf8"));
    expect(profile.trust).toEqual({ log: broker.log.vkey, witnesses: [] });
  });

  it("that is denied stores nothing, and a name that is taken is kept", async () => {
    broker.routes.set("POST /oauth/token", () => problem(400, "ERR_SESSION_DENIED"));
    expect(await agentkeys("agents", "pair", "--name", "report")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ERR_SESSION_DENIED"),
    });
    expect(existsSync(file("agents", "report.json"))).toBe(false);
    await home.pair("report");
    expect(await agentkeys("agents", "pair", "--name", "report")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("--replace"),
    });
  });
});
