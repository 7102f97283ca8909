// What a grant allows in all, as the store counts it: held against a model over random uses, repeats and give-backs.
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { releaseUse, reserveUse } from "../../src/store/commands/uses.ts";
import { drizzle } from "../../src/store/drizzle.ts";
import { findPassedLimit, leftOf } from "../../src/store/grant-limits.ts";
import { migrate } from "../../src/store/migrate.ts";
import { migrations } from "../../src/store/migrations.ts";
import { accounts, agents, grants, sessions } from "../../src/store/schema.ts";

const now = 1_800_000_000_000;
const issuedAt = now / 1000;

interface Limits {
  readonly maxUses: number | null;
  readonly budgetUnits: number | null;
  readonly budgetSeconds: number | null;
}

/** A store with one agent that holds one grant. */
function openStoreWith(limits: Limits) {
  const client = new Database(":memory:");
  migrate(client, migrations);
  const db = drizzle(client);
  const created = { account: "acc", createdAt: now };
  const held = { clientId: "agentkeys", thumbprint: "key" };
  db.insert(accounts)
    .values({ ...created, role: "member" })
    .run();
  db.insert(agents)
    .values({ ...created, ...held, id: "agt_1", name: "bot" })
    .run();
  const session = { ...created, ...held, id: "ses_1", agent: "agt_1", amr: [], authTime: now, refreshHash: "hash" };
  db.insert(sessions)
    .values({ ...session, expiresAt: now + 1e9 })
    .run();
  const grant = { ...created, ...limits, id: "grn_1", agent: "agt_1", issuer: "oidc", scope: "{}" };
  db.insert(grants)
    .values({ ...grant, delivery: "release", uses: 0 })
    .run();
  return {
    client,
    reserve: (name: string, units: number, seconds: number) => {
      const plan = { record: name, credential: name, recordedAt: now, issuedAt, expiresAt: issuedAt + seconds };
      const row = { ...plan, key: name, bodyHash: "hash", grant: "grn_1", keptUntil: now + 1e9, units };
      return reserveUse(db, { row, agent: "agt_1", session: "ses_1", now }).verdict;
    },
    release: (name: string) => {
      releaseUse(db, { key: name, grant: "grn_1" });
      return "released";
    },
    grant: () => db.select().from(grants).get()!,
  };
}

const limit = (most: number) => fc.option(fc.integer({ min: 1, max: most }));
const limitsOf = fc.record({ maxUses: limit(5), budgetUnits: limit(30), budgetSeconds: limit(900) });
const step = fc.record({
  act: fc.constantFrom("reserve", "reserve", "release"),
  key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"),
  units: fc.integer({ min: 1, max: 20 }),
  seconds: fc.integer({ min: 1, max: 600 }),
});

test("uses, units and seconds never pass their limits, a repeat takes nothing, and what is given back is there again", () => {
  fc.assert(
    fc.property(limitsOf, fc.array(step, { maxLength: 40 }), (limits, steps) => {
      const store = openStoreWith(limits);
      const held = new Map<string, { units: number; seconds: number }>();
      const sum = (of: "units" | "seconds"): number => [...held.values()].reduce((all, one) => all + one[of], 0);
      for (const { act, key, units, seconds } of steps) {
        const fits =
          held.size + 1 <= (limits.maxUses ?? Infinity) &&
          sum("units") + units <= (limits.budgetUnits ?? Infinity) &&
          sum("seconds") + seconds <= (limits.budgetSeconds ?? Infinity);
        const expected = act === "release" ? "released" : held.has(key) ? "repeated" : fits ? "reserved" : "refused";
        // What the authorize step sees before and what the reservation decides is the same.
        expect(findPassedLimit(store.grant(), { units, seconds }) === undefined).toBe(fits);
        expect(act === "release" ? store.release(key) : store.reserve(key, units, seconds)).toBe(expected);
        if (expected === "released") held.delete(key);
        if (expected === "reserved") held.set(key, { units, seconds });
        const grant = store.grant();
        expect(grant).toMatchObject({ uses: held.size, usedUnits: sum("units"), usedSeconds: sum("seconds") });
        for (const left of Object.values(leftOf(grant))) expect(left).toBeGreaterThanOrEqual(0);
      }
      store.client.close();
    }),
    { numRuns: 150 },
  );
});

test.each([
  ["uses", { maxUses: 1, budgetUnits: 3, budgetSeconds: 900 }, { limit: "uses", left: 0 }],
  ["units", { maxUses: 2, budgetUnits: 3, budgetSeconds: 900 }, { limit: "units", left: 1 }],
  ["seconds", { maxUses: 2, budgetUnits: 4, budgetSeconds: 900 }, { limit: "seconds", left: 300 }],
])("the limit that is passed is told: %s", (_limit, limits, passed) => {
  const store = openStoreWith(limits);
  const amount = { units: 2, seconds: 600 };
  expect(store.reserve("a", amount.units, amount.seconds)).toBe("reserved");
  expect(findPassedLimit(store.grant(), amount)).toEqual(passed);
  expect(store.reserve("b", amount.units, amount.seconds)).toBe("refused");
  store.client.close();
});
