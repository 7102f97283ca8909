import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { makeHome, type MadeHome } from "./made-home.ts";
import { run } from "./run-command.ts";

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
const accountFile = () => readFileSync(join(home.path, "account.json"), "utf8");
const session = {
  id: "ses_00000000000000000000000000",
  created_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-02-01T00:00:00Z",
  amr: ["swk"],
  current: true,
};

describe("sessions", () => {
  it("are listed and ended by id", async () => {
    broker.routes.set("GET /v1/sessions", () => ({ status: 200, body: { sessions: [session] } }));
    broker.routes.set(`DELETE /v1/sessions/${session.id}`, () => ({ status: 204 }));
    const listed = await agentkeys("sessions", "list");
    expect(listed.stdout).toContain(`${session.id}  2026-01-01T00:00:00Z  2026-02-01T00:00:00Z  swk  this one`);
    expect(JSON.parse((await agentkeys("sessions", "revoke", session.id, "--json")).stdout)).toEqual({
      revoked: session.id,
    });
  });
});

describe("logout", () => {
  it("ends the session at the broker, forgets it and its key here, and keeps what is pinned", async () => {
    const { key, trust } = JSON.parse(accountFile());
    broker.routes.set("POST /oauth/revoke", () => ({ status: 200 }));
    expect(await agentkeys("logout", "--json")).toMatchObject({
      code: 0,
      stdout: '{"signed_out":true,"broker_told":true}\n',
    });
    const [sent] = broker.received.filter(({ path }) => path === "/oauth/revoke");
    expect(new URLSearchParams(sent!.text).get("token")).toBe("refresh-1");
    const after = JSON.parse(accountFile());
    expect(after.session).toBeUndefined();
    expect(after.key).not.toEqual(key);
    expect(after.trust).toEqual(trust);
  });
  it("leaves no command that signs in again by itself", async () => {
    broker.routes.set("POST /oauth/revoke", () => ({ status: 200 }));
    await agentkeys("logout");
    const asked = broker.received.length;
    expect(await agentkeys("whoami")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("run `agentkeys login`"),
    });
    expect(broker.received).toHaveLength(asked);
    expect((await agentkeys("login")).code).toBe(0);
    expect((await agentkeys("whoami")).code).toBe(0);
  });
  it("forgets the session here, and says so, where the broker is away", async () => {
    await broker.close();
    const { code, stderr } = await agentkeys("logout");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("was not reached") });
    expect(JSON.parse(accountFile()).session).toBeUndefined();
  });
  it("everywhere is refused, and nothing forgotten, where the broker does not do it", async () => {
    broker.routes.set("DELETE /v1/sessions", () => problem(503, "ERR_REQUEST_SHUTTING_DOWN"));
    expect((await agentkeys("logout", "--everywhere")).code).toBe(69);
    expect(JSON.parse(accountFile()).session).toBeDefined();
    broker.routes.set("DELETE /v1/sessions", () => ({ status: 204 }));
    expect((await agentkeys("logout", "--everywhere")).code).toBe(0);
    expect(JSON.parse(accountFile()).session).toBeUndefined();
  });
});
