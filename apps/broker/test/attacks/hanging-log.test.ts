// The log's disk hangs, and nothing else: what needs no record goes on, what needs one fails with its code in its time.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mostWaiting } from "../../src/store/commands/outbox.ts";
import { ask, Caller, claim, freePort, grant, openBroker, pair, signIn, type TestBroker } from "../flows/harness.ts";
import { install, modules } from "../flows/install.ts";

const stuck = join(modules, "../../log-hangs");

// The real log behind a disk that hangs while a file is there: what was asked meanwhile is answered when it comes back.
install(
  "audit-hanging",
  `import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import real from "@agentkeys/audit-sqlite";
const disk = async () => { while (existsSync(${JSON.stringify(stuck)})) await setTimeout(25, undefined, { ref: false }); };
export default { ...real, name: "hanging", async create(settings, host) {
  const log = await real.create(settings, host);
  const waiting = (method) => async (...args) => { await disk(); return log[method](...args); };
  const names = ["append", "head", "prove", "receipt", "read", "find", "ready"];
  return { ...Object.fromEntries(names.map((name) => [name, waiting(name)])), close: () => log.close() };
} };`,
);

let broker: TestBroker;
let metrics: string;
let person: Caller;
let wallet: Awaited<ReturnType<typeof claim>>["wallet"];
let agent: Caller;
let agentId: string;

beforeAll(async () => {
  rmSync(stuck, { force: true });
  const port = await freePort();
  metrics = `http://127.0.0.1:${port}/metrics`;
  broker = await openBroker(`[metrics]
listen = "127.0.0.1:${port}"
[accounts]
sign_up = "open"
[audit]
log = "hanging"
[audit.hanging]
plugin = "@acme/audit-hanging"
[limits]
refusals = 100000
sign_ins = 100000
`);
  ({ caller: person, wallet } = await claim(broker));
  ({ agent, id: agentId } = await pair(broker, person));
  await grant(person, agentId);
});
afterAll(async () => {
  rmSync(stuck, { force: true });
  await broker.close();
});

async function timed<T>(act: () => Promise<T>): Promise<{ answer: T; milliseconds: number }> {
  const startedAt = performance.now();
  const answer = await act();
  return { answer, milliseconds: performance.now() - startedAt };
}
const records = async (): Promise<readonly { type: string; code?: string }[]> =>
  (await person.call("GET", "/v1/audit/records?limit=200")).body.records;

test("while it hangs, sign-in works, a credential is refused with a code, and no call hangs another", async () => {
  writeFileSync(stuck, "");
  const mint = timed(() => ask(agent));
  const ready = timed(() => fetch(`${broker.url}/readyz`));
  const known = timed(() => fetch(`${broker.url}/.well-known/agentkeys`));
  const health = await timed(() => fetch(`${broker.url}/healthz`));
  expect(health.answer.status).toBe(200);
  expect(health.milliseconds).toBeLessThan(1000);
  const first = await timed(() => signIn(person, wallet));
  expect(first.answer.status).toBe(200);
  expect(first.milliseconds).toBeLessThan(4000);
  person.take(first.answer.body);
  const minted = await mint;
  expect(minted.answer.body).toMatchObject({ status: 504, code: "ERR_PLUGIN_TIMEOUT" });
  expect(minted.milliseconds).toBeLessThan(15_000);
  expect((await ready).answer.status).toBe(503);
  expect((await known).answer.status).toBe(504);
  // Once it is known that the log is away, nobody waits for it any more.
  const other = await Caller.open(broker.url);
  await expect
    .poll(async () => (await timed(() => signIn(other, wallet))).milliseconds, { timeout: 15_000 })
    .toBeLessThan(1000);
});

test("a thousand events wait at most; then what would be one more is refused, and only taking power away is not", async () => {
  expect(existsSync(stuck)).toBe(true);
  const other = { scope: { actions: ["token"], resources: ["https://other.example"] } };
  const codes = new Set<string>();
  for (let at = 0; at < mostWaiting / 20 + 1; at += 1)
    for (const { body } of await Promise.all(Array.from({ length: 20 }, () => ask(agent, other))))
      codes.add(String(body.code));
  expect(codes).toEqual(new Set(["ERR_GRANT_DENIED", "ERR_AUDIT_UNAVAILABLE"]));
  const refused = await signIn(await Caller.open(broker.url), Wallet.createRandom());
  expect(refused).toMatchObject({ status: 503, body: { code: "ERR_AUDIT_UNAVAILABLE" } });
  expect((await person.call("DELETE", `/v1/agents/${agentId}`)).status).toBe(204);
  expect((await ask(agent)).status).toBe(401);
});

test("the metrics say that calls wait for it, and how much waits behind it", async () => {
  const text = await (await fetch(metrics)).text();
  expect(text).toMatch(/agentkeys_plugin_calls_unanswered\{plugin="audit\(hanging\)"\} [1-9]/u);
  expect(text).toMatch(/agentkeys_outbox_waiting 1\d{3}\n/u);
});

test("when it is back, all that waited stands in the log, and sign-in works again", async () => {
  rmSync(stuck);
  await expect.poll(async () => (await records())[0]?.type, { timeout: 20_000 }).toBe("agent revoked");
  const lag = (await (await fetch(`${broker.url}/v1/audit/lag`)).json()) as { size: number };
  expect(lag.size).toBeGreaterThan(mostWaiting);
  expect((await signIn(await Caller.open(broker.url), Wallet.createRandom())).status).toBe(200);
});
