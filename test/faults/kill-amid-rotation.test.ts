// kill -9 while the log changes its key and agents mint: after the restart an auditor who has both keys finds the log sound, and
// every record that was acknowledged in it.
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askControl } from "../../apps/broker/src/ops/control.ts";
import { ask, claim, grant, pair, type Caller } from "../../apps/broker/test/flows/harness.ts";
import { run } from "../../packages/verify/test/run-program.ts";
import { parseTrustPolicy, verify, type TrustPolicy, type ValidVerdict } from "../../packages/verify/src/index.ts";
import { startKilledBroker, type KilledBroker } from "./killed-broker.ts";

const rounds = 6;
const askers = 6;
const auditor = "0123456789abcdef0123456789abcdef";

let broker: KilledBroker;
beforeAll(async () => {
  process.env["AGENTKEYS_TEST_AUDITOR"] = auditor;
  broker = await startKilledBroker(
    `[[audit.auditors]]\nname = "acme"\ntoken = { env = "AGENTKEYS_TEST_AUDITOR" }\n[limits]\nreads = 100000\n`,
  );
});
afterAll(async () => broker.remove());

/** What the broker answered an agent with: the receipt of a record that must not be lost. */
interface Acknowledged {
  readonly agent: Caller;
  readonly receipt: unknown;
}

/** Asks until the broker is gone. */
async function askOn(agent: Caller): Promise<readonly Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  for (;;) {
    const answer = await ask(agent).catch(() => undefined);
    if (answer === undefined) return acknowledged;
    expect(answer.status).toBe(200);
    acknowledged.push({ agent, receipt: answer.body.receipt as unknown });
  }
}

/** The log's new key, or undefined where the broker died before it could say. */
async function rotate(): Promise<string | undefined> {
  const told = askControl(join(broker.folder, "data"), "rotate", { purpose: "log" });
  return ((await told.catch(() => undefined)) as { key: string } | undefined)?.key;
}

async function readLog(): Promise<{ id: string; vkeys: readonly string[] }> {
  const known = await (await fetch(`${broker.url}/.well-known/agentkeys`)).json();
  const { log_id: id, vkeys } = (known as { log: { epochs: [{ log_id: string; vkeys: string[] }] } }).log.epochs[0];
  return { id, vkeys };
}

function save(name: string, text: string): string {
  const path = join(broker.folder, name);
  writeFileSync(path, text);
  return path;
}

/** Each receipt verifies, and the log gives one of the same record today. */
async function assertKept(acknowledged: readonly Acknowledged[], trust: TrustPolicy): Promise<void> {
  for (const { agent, receipt } of acknowledged) {
    const given = await verify(JSON.stringify(receipt), trust);
    expect(given.level).toBe("SIGNED");
    const { record } = (given as ValidVerdict).facts;
    const kept = await agent.call("GET", `/v1/audit/receipts/${record.id}`);
    expect(await verify(JSON.stringify(kept.body), trust)).toMatchObject({ level: "SIGNED", facts: { record } });
  }
}

test("a log whose key was changed amid kill -9 is found sound with both keys, and has every acknowledged record", async () => {
  const { caller: person } = await claim(broker);
  const agents: Caller[] = [];
  for (let at = 0; at < askers; at++) {
    const { agent, id } = await pair(broker, person);
    expect((await grant(person, id)).status).toBe(201);
    agents.push(agent);
  }
  const token = save("token", auditor);
  const note = join(broker.folder, "head.note");
  const acknowledged: Acknowledged[] = [];
  const seen = { rotated: 0, cut: 0 };
  let { vkeys: before } = await readLog();
  for (let round = 0; round < rounds; round++) {
    const asking = agents.map(askOn);
    await setTimeout(randomInt(40, 150));
    const rotating = rotate();
    // Every other time the answer is waited for: then the load goes on under the new key until the end.
    if (round % 2 === 0) await Promise.race([rotating, setTimeout(1000)]);
    await setTimeout(randomInt(0, 20));
    await broker.kill();
    const key = await rotating;
    const fresh = (await Promise.all(asking)).flat();
    await broker.start();

    const { id, vkeys } = await readLog();
    seen[key === undefined ? "cut" : "rotated"]++;
    // A change that was not answered may be done or not.
    const added = key ?? vkeys[before.length];
    expect(vkeys).toEqual(added === undefined ? before : [...before, added]);
    before = vkeys;

    const policy = `${vkeys.map((vkey) => `log ${vkey}\n`).join("")}quorum none\n`;
    const since = round === 0 ? [] : ["--since", note];
    const more = ["--trust", save("trust.policy", policy), "--token-file", token, "--keep", note, ...since, "--json"];
    const { code, out, err } = await run(["audit", `${broker.url}/v1/audit/logs/${id}`, ...more]);
    expect({ code, err }, out).toEqual({ code: 0, err: "" });
    const { facts } = JSON.parse(out) as { facts: { rotations: { vkey: string }[]; new_keys: string[] } };
    expect(facts).toMatchObject({ rotations: vkeys.slice(1).map((vkey) => ({ vkey })), new_keys: [], findings: [] });
    acknowledged.push(...fresh);
    await assertKept(acknowledged, parseTrustPolicy(policy));
  }
  expect(Math.min(seen.rotated, seen.cut)).toBeGreaterThan(0);
}, 120_000);
