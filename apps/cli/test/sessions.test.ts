import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;
const accountFile = () => readFileSync(join(person.home.path, "account.json"), "utf8");
const session = {
  id: "ses_00000000000000000000000000",
  created_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-02-01T00:00:00Z",
  amr: ["swk"],
  current: true,
};

describe("sessions", () => {
  it("are listed and ended by id", async () => {
    person.broker.routes.set("GET /v1/sessions", () => ({ status: 200, body: { sessions: [session] } }));
    person.broker.routes.set(`DELETE /v1/sessions/${session.id}`, () => ({ status: 204 }));
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
    person.broker.routes.set("POST /oauth/revoke", () => ({ status: 200 }));
    expect(await agentkeys("logout", "--json")).toMatchObject({
      code: 0,
      stdout: '{"signed_out":true,"broker_told":true}\n',
    });
    const [sent] = person.broker.received.filter(({ path }) => path === "/oauth/revoke");
    expect(new URLSearchParams(sent!.text).get("token")).toBe("refresh-1");
    const after = JSON.parse(accountFile());
    expect(after.session).toBeUndefined();
    expect(after.key).not.toEqual(key);
    expect(after.trust).toEqual(trust);
  });
  it("leaves no command that signs in again by itself", async () => {
    person.broker.routes.set("POST /oauth/revoke", () => ({ status: 200 }));
    await agentkeys("logout");
    const asked = person.broker.received.length;
    expect(await agentkeys("whoami")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("run `agentkeys login`"),
    });
    expect(person.broker.received).toHaveLength(asked);
    expect((await agentkeys("login")).code).toBe(0);
    expect((await agentkeys("whoami")).code).toBe(0);
  });
  it("forgets the session here, and says so, where the broker is away", async () => {
    await person.broker.close();
    const { code, stderr } = await agentkeys("logout");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("was not reached") });
    expect(JSON.parse(accountFile()).session).toBeUndefined();
  });
  it("everywhere is refused, and nothing forgotten, where the broker does not do it", async () => {
    person.broker.routes.set("DELETE /v1/sessions", () => problem(503, "ERR_REQUEST_SHUTTING_DOWN"));
    expect((await agentkeys("logout", "--everywhere")).code).toBe(69);
    expect(JSON.parse(accountFile()).session).toBeDefined();
    person.broker.routes.set("DELETE /v1/sessions", () => ({ status: 204 }));
    expect((await agentkeys("logout", "--everywhere")).code).toBe(0);
    expect(JSON.parse(accountFile()).session).toBeUndefined();
  });
});
