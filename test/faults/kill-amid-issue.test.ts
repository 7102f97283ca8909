// kill -9 while an issuer that calls out is asked: the next boot closes each intent as unknown, once, and gives back what was not begun.
import { randomInt, randomUUID } from "node:crypto";
import { readdirSync, rmSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, type Caller, claim, grant, pair } from "../../apps/broker/test/flows/harness.ts";
import { install } from "../../apps/broker/test/flows/install.ts";
import { startKilledBroker, type KilledBroker } from "./killed-broker.ts";

// Each call leaves a file of the intent's name, and answers after a while.
install(
  "issuer-slow",
  `import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
export default { kind: "issuer", name: "slow", apiVersion: 1, capabilities: ["remote"], config, create: async ({ calls }) => ({ ...life,
  parseScope: (text) => JSON.parse(text),
  identityToken: () => undefined,
  issue: async (order) => {
    writeFileSync(join(calls, order.record), "");
    await setTimeout(Math.random() * 30);
    return { id: "SLOW" + order.record, type: "slow", value: "s3cret", expiresAt: order.expiresAt };
  },
}) };`,
);

const scope = { actions: ["read"], resources: ["urn:slow:thing"] };
const rounds = 8;
const calls = join(import.meta.dirname, "../../apps/broker/.agentkeys-test/slow-calls");
let broker: KilledBroker;
beforeAll(async () => {
  rmSync(calls, { recursive: true, force: true });
  mkdirSync(calls, { recursive: true });
  broker = await startKilledBroker(`[issuer]
names = ["oidc", "slow"]
[issuer.slow]
plugin = "@acme/issuer-slow"
calls = ${JSON.stringify(calls)}
[[rights]]
who = { role = "operator" }
issuer = "slow"
scope = { actions = ["read"], resources = ["urn:slow:thing"] }
max_ttl = "1h"
`);
});
afterAll(async () => broker.remove());

interface Told {
  readonly id: string;
  readonly type: string;
  readonly outcome: string;
  readonly parent?: string;
  readonly credential?: string;
  readonly code?: string;
}

async function readAll(person: Caller): Promise<readonly Told[]> {
  const all: Told[] = [];
  for (let before = ""; ;) {
    const { body } = await person.call("GET", `/v1/audit/records?limit=200${before}`);
    const page = body["records"] as (Told & { index: number })[];
    if (page.length === 0) return all;
    all.push(...page);
    before = `&before=${page.at(-1)!.index}`;
  }
}

test(`after ${rounds} times kill -9 each intent has one result, nothing called is without an intent, and uses are intents`, async () => {
  const { caller: person } = await claim(broker);
  const { agent, id } = await pair(broker, person);
  const granted = await grant(person, id, {
    issuer: "slow",
    scope,
    constraints: { max_ttl: 600, budget: { units: 1e9, seconds: 1e9 } },
  });
  const released = new Set<string>();
  let lost = 0;
  for (let round = 0; round < rounds; round++) {
    const askOn = async (): Promise<void> => {
      for (;;) {
        try {
          const { status, body } = await ask(agent, { issuer: "slow", scope, ttl: 600, units: 3 }, randomUUID());
          expect(status).toBe(200);
          released.add(body.credential.id);
        } catch (error) {
          if (error instanceof TypeError) return void lost++;
          throw error;
        }
      }
    };
    const asking = Array.from({ length: 12 }, askOn);
    await setTimeout(randomInt(100, 300));
    await broker.kill();
    await Promise.all(asking);
    await broker.start();
  }
  expect(lost).toBeGreaterThan(0);
  const all = await readAll(person);
  const intents = new Set(all.filter(({ type }) => type === "intent").map((one) => one.id));
  const results = all.filter(({ type }) => type === "issued");
  expect(new Set(results.map(({ parent }) => parent))).toEqual(intents);
  expect(results).toHaveLength(intents.size);
  for (const called of readdirSync(calls)) expect(intents).toContain(called);
  const ok = new Set(results.filter(({ outcome }) => outcome === "ok").map(({ credential }) => credential));
  for (const credential of released) expect(ok).toContain(credential);
  const unknown = results.filter(({ outcome }) => outcome === "unknown");
  expect(unknown.length).toBeGreaterThan(0);
  expect(new Set(unknown.map(({ code }) => code))).toEqual(new Set(["ERR_ISSUER_OUTCOME_UNKNOWN"]));
  expect(ok.size + unknown.length).toBe(results.length);
  const { body } = await person.call("GET", "/v1/grants");
  const counted = (body.grants as { id: string }[]).find((one) => one.id === granted.body["id"]);
  const { size } = intents;
  expect(counted).toMatchObject({ uses: size, used: { units: 3 * size, seconds: 600 * size } });
}, 120_000);
