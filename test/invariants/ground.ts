// What every clause of the invariant is tried on: a real broker, an operator, an agent, and a grant that serves.
import { expect } from "vitest";
import {
  ask,
  claim,
  grant,
  openBroker,
  pair,
  type Answer,
  type Caller,
  type TestBroker,
} from "../../apps/broker/test/flows/harness.ts";

export interface Ground {
  readonly broker: TestBroker;
  readonly person: Caller;
  readonly account: string;
  readonly agent: Caller;
  readonly agentId: string;
  readonly grantId: string;
}

/** A broker where `ask(agent)` is answered with a credential: a position is then one thing less than this. */
export async function prepare(toml = ""): Promise<Ground> {
  const broker = await openBroker(toml);
  const { caller: person, account } = await claim(broker);
  const { agent, id: agentId } = await pair(broker, person);
  const made = await grant(person, agentId);
  expect((await ask(agent)).status).toBe(200);
  return { broker, person, account, agent, agentId, grantId: made.body.id };
}

/** How many credentials the log says were issued to the account's agents. */
export async function countIssued({ person }: Ground): Promise<number> {
  let count = 0;
  for (let before: number | undefined; ;) {
    const query = before === undefined ? "" : `&before=${before}`;
    const { body, status } = await person.call("GET", `/v1/audit/records?limit=200${query}`);
    expect(status).toBe(200);
    const records = body.records as { index: number; type: string; outcome: string }[];
    count += records.filter(({ type, outcome }) => type === "issued" && outcome === "ok").length;
    before = records.at(-1)?.index;
    if (records.length < 200) return count;
  }
}

/** Makes an attempt that must be refused with this code, and holds that nothing came out of it: no token, no issued record. */
export async function assertReleasesNothing(
  ground: Ground,
  code: string,
  attempt: () => Promise<Pick<Answer, "status" | "body">>,
): Promise<void> {
  const before = await countIssued(ground);
  const { status, body } = await attempt();
  expect({ status, code: body.code }).toEqual({ status: expect.any(Number), code });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(body).not.toHaveProperty("credential");
  expect(JSON.stringify(body)).not.toContain("eyJ");
  expect(await countIssued(ground)).toBe(before);
}
