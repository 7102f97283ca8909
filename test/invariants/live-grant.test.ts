// Nothing is released unless a live grant of the account to this very agent contains all that is asked.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, audience, grant, pair, scope, type Caller } from "../../apps/broker/test/flows/harness.ts";
import { assertReleasesNothing, prepare, type Ground } from "./ground.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await prepare();
});
afterAll(() => ground.broker.close());

/** A new agent with one grant, changed so. */
async function agentWith(change: Record<string, unknown>): Promise<{ agent: Caller; grantId: string }> {
  const { agent, id } = await pair(ground.broker, ground.person);
  const made = await grant(ground.person, id, change);
  expect(made.status).toBe(201);
  return { agent, grantId: made.body.id };
}

const instant = (seconds: number) => `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;

test("not without a grant", async () => {
  const { agent } = await pair(ground.broker, ground.person);
  await assertReleasesNothing(ground, "ERR_GRANT_DENIED", () => ask(agent));
});

test("not by another agent's grant, named or not", async () => {
  const { agent } = await pair(ground.broker, ground.person);
  await assertReleasesNothing(ground, "ERR_GRANT_NOT_FOUND", () => ask(agent, { grant: ground.grantId }));
  await assertReleasesNothing(ground, "ERR_GRANT_DENIED", () => ask(agent));
});

test("not by a revoked grant, named or not", async () => {
  const { agent, grantId } = await agentWith({});
  expect((await ground.person.call("DELETE", `/v1/grants/${grantId}`)).status).toBe(204);
  await assertReleasesNothing(ground, "ERR_GRANT_DENIED", () => ask(agent));
  await assertReleasesNothing(ground, "ERR_GRANT_NOT_FOUND", () => ask(agent, { grant: grantId }));
});

test("not before the grant begins", async () => {
  const { agent } = await agentWith({ constraints: { max_ttl: 600, not_before: instant(3600) } });
  await assertReleasesNothing(ground, "ERR_GRANT_DENIED", () => ask(agent));
});

test("not after the grant has ended", async () => {
  const { agent } = await agentWith({ constraints: { max_ttl: 600, expires_at: instant(2) } });
  await expect.poll(async () => (await ask(agent)).status, { timeout: 10_000, interval: 300 }).toBe(403);
  await assertReleasesNothing(ground, "ERR_GRANT_DENIED", () => ask(agent));
});

test("not more often than the grant allows", async () => {
  const { agent } = await agentWith({ constraints: { max_ttl: 600, max_uses: 1 } });
  expect((await ask(agent)).status).toBe(200);
  await assertReleasesNothing(ground, "ERR_GRANT_USED_UP", () => ask(agent));
});

test("not for longer than the grant allows", async () => {
  await assertReleasesNothing(ground, "ERR_GRANT_TTL", () => ask(ground.agent, { ttl: 601 }));
});

test.each([
  ["another resource", { ...scope, resources: ["https://other.example.com"] }, "ERR_GRANT_DENIED"],
  ["what its text begins with", { ...scope, resources: [`${audience}.evil.example`] }, "ERR_GRANT_DENIED"],
  ["something below it", { ...scope, resources: [`${audience}/below`] }, "ERR_GRANT_DENIED"],
  ["a wildcard over it", { ...scope, resources: ["https://*"] }, "ERR_GRANT_SCOPE"],
  ["nothing at all", { ...scope, resources: [] }, "ERR_GRANT_SCOPE"],
  ["another action", { ...scope, actions: ["admin"] }, "ERR_GRANT_SCOPE"],
])("not for %s", async (_, asked, code) => {
  await assertReleasesNothing(ground, code, () => ask(ground.agent, { scope: asked }));
});

test("and a grant that no ask could ever match is not made", async () => {
  const { status } = await ground.person.call("GET", "/v1/grants");
  expect(status).toBe(200);
  for (const never of [
    { ...scope, actions: ["admin"] },
    { ...scope, resources: ["not a url at all "] },
    { ...scope, resources: [audience, "https://two.example.com"] },
    { ...scope, resources: ["https://*.example.com"] },
  ]) {
    const made = await grant(ground.person, ground.agentId, { scope: never });
    expect({ status: made.status, code: made.body.code }).toEqual({ status: 400, code: "ERR_GRANT_SCOPE" });
  }
});

test("not by an agent, account or grant named in the body in place of the caller's own", async () => {
  const { agent, id } = await pair(ground.broker, ground.person);
  for (const claim of [{ agent: ground.agentId }, { account: ground.account }, { agent_id: id }])
    await assertReleasesNothing(ground, "ERR_REQUEST_MALFORMED", () => ask(agent, claim));
});
