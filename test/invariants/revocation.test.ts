// Nothing is released once a revocation was answered: agents ask without pause while their grants, and then one of them, are
// revoked. What came before and after is told by the log's order, not by a clock.
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, claim, grant, pair, type Caller } from "../../apps/broker/test/flows/harness.ts";
import { startKilledBroker, type KilledBroker } from "../faults/killed-broker.ts";

const askers = 8;

let broker: KilledBroker;
beforeAll(async () => {
  broker = await startKilledBroker();
});
afterAll(async () => broker.remove());

interface Asker {
  readonly agent: Caller;
  readonly id: string;
  readonly grant: string;
  /** Of the credentials it was given. */
  readonly records: string[];
  readonly refusals: string[];
}

async function openAsker(person: Caller): Promise<Asker> {
  const { agent, id } = await pair(broker, person);
  const made = await grant(person, id);
  return { agent, id, grant: made.body.id as string, records: [], refusals: [] };
}

/** Asks on and on, until it was refused a few times: the first refusal is the end of what is released. */
async function askOn({ agent, records, refusals }: Asker): Promise<void> {
  while (refusals.length < 5) {
    const { status, body } = await ask(agent);
    expect(status === 200 && refusals.length > 0).toBe(false);
    if (status !== 200) refusals.push(body.code as string);
    else records.push((decodeJwt(body.credential.value)["agentkeys"] as { record: string }).record);
  }
}

interface LogRecord {
  readonly id: string;
  readonly index: number;
  readonly type: string;
  readonly outcome: string;
  readonly agent?: string;
  readonly grant?: string;
}

async function readRecords(person: Caller): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = [];
  for (;;) {
    const before = all.length === 0 ? "" : `&before=${all.at(-1)!.index}`;
    const { body } = await person.call("GET", `/v1/audit/records?limit=200${before}`);
    all.push(...(body.records as LogRecord[]));
    if (body.records.length < 200) return all;
  }
}

const sizeOfLog = async (): Promise<number> =>
  ((await (await fetch(`${broker.url}/v1/audit/lag`)).json()) as { size: number }).size;

test(`of ${askers} agents that ask without pause none has a record behind the answer to its revocation`, async () => {
  const { caller: person } = await claim(broker);
  const all: Asker[] = [];
  for (let at = 0; at < askers; at++) all.push(await openAsker(person));
  const [last, ...others] = all as [Asker, ...Asker[]];
  const running = Promise.all(all.map(askOn));
  const revoked: { asker: Asker; path: string; type: string; size: number }[] = [];
  for (const [asker, path, type] of [
    ...others.map((one) => [one, `/v1/grants/${one.grant}`, "grant revoked"] as const),
    [last, `/v1/agents/${last.id}`, "agent revoked"] as const,
  ]) {
    const enough = asker.records.length + 4;
    await expect.poll(() => asker.records.length, { interval: 5 }).toBeGreaterThanOrEqual(enough);
    expect((await person.call("DELETE", path)).status).toBe(204);
    // Whatever is recorded from here on stands at this place or behind it.
    revoked.push({ asker, path, type, size: await sizeOfLog() });
  }
  await running;

  const records = await readRecords(person);
  const issued = records.filter(({ type, outcome }) => type === "issued" && outcome === "ok");
  for (const { asker, path, type, size } of revoked) {
    const own = issued.filter((one) => one.grant === asker.grant);
    expect(own.map(({ id }) => id)).toEqual(expect.arrayContaining(asker.records));
    expect(own.length, path).toBeGreaterThanOrEqual(4);
    expect(
      own.filter(({ index }) => index >= size),
      path,
    ).toEqual([]);
    const told = records.find((one) => one.type === type && one.agent === asker.id);
    expect(told?.index, path).toBeLessThan(size);
    const codes = asker === last ? ["ERR_SESSION_TOKEN"] : ["ERR_GRANT_DENIED"];
    expect(new Set(asker.refusals.slice(1))).toEqual(new Set(codes));
  }
  // The load was real: behind each answer but the last the others went on.
  for (const { size } of revoked.slice(0, -1)) expect(issued.some(({ index }) => index >= size)).toBe(true);
});
