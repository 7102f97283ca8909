// What explain says would be allowed is what the authorize step allows, no more and no less.
import { formatScope, isWithin, type Scope } from "@agentkeys/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { IssuerFacade } from "../../src/facade/issuer.ts";
import { findAllowed } from "../../src/steps/allowed.ts";
import type { Authenticated } from "../../src/steps/authenticate.ts";
import { authorize, type AuthorizeContext, type CredentialAsk } from "../../src/steps/authorize.ts";
import type { Ceiling, Right } from "../../src/steps/rights.ts";
import type { Grant } from "../../src/store/commands/grants.ts";
import type { Readings } from "../../src/store/readings.ts";

const now = 1_800_000_000_000;
const by = { kind: "agent", account: "acc", agent: "agt_1", session: "ses_1" } as unknown as Authenticated;

function issuerOf(name: string, shortestTtl: number): [string, IssuerFacade] {
  const parts = { name, shortestTtl, ownAudiences: [], parseScope: (scope: Scope) => scope };
  return [name, { ...parts, identityToken: () => undefined } as unknown as IssuerFacade];
}
const issuers = new Map([issuerOf("one", 1), issuerOf("two", 60)]);

const item = fc.constantFrom("a/b", "a/c", "a/b/d", "e");
const pattern = fc.oneof(item, fc.constantFrom("a/*", "a/*", "a/b/*"));
const listOf = (one: fc.Arbitrary<string>) => fc.uniqueArray(one, { minLength: 1, maxLength: 3 });
const scopeOf = (one: fc.Arbitrary<string>): fc.Arbitrary<Scope> =>
  fc.record({ actions: fc.constantFrom(["get"], ["get", "put"]), resources: listOf(one) });
const ttl = fc.constantFrom(1, 30, 60, 300, 600);
const issuer = fc.constantFrom("one", "one", "two");
const ceiling: fc.Arbitrary<Ceiling> = fc.record({ issuer, scope: scopeOf(pattern), max_ttl: ttl });
const right: fc.Arbitrary<Right> = fc
  .tuple(ceiling, fc.constantFrom("acc", "acc", "acc", "other"))
  .map(([row, account]) => ({ ...row, who: { account } }));
const limit = (most: number) => fc.option(fc.integer({ min: 1, max: most }));
const used = fc.constantFrom(0, 0, 1, 3);
const grant: fc.Arbitrary<Grant> = fc
  .record({
    issuer: fc.constantFrom("one", "one", "two", "gone"),
    scope: scopeOf(pattern).map(formatScope),
    maxUses: limit(3),
    maxTtl: fc.option(ttl),
    notBefore: fc.constantFrom(null, now - 1, now - 1, now + 1),
    expiresAt: fc.constantFrom(null, now + 1),
    budgetUnits: limit(3),
    budgetSeconds: limit(300),
    uses: used,
    usedUnits: used,
    usedSeconds: used,
  })
  .map((made) => ({
    ...made,
    id: "",
    account: "acc",
    agent: "agt_1",
    delivery: "release",
    createdAt: 1,
    revokedAt: null,
    uses: Math.min(made.uses, made.maxUses ?? 3),
    usedUnits: Math.min(made.usedUnits, made.budgetUnits ?? 3),
    usedSeconds: Math.min(made.usedSeconds, made.budgetSeconds ?? 3),
  }));

const world = fc
  .record({
    grants: fc.array(grant, { minLength: 1, maxLength: 4 }),
    rights: fc.array(right, { minLength: 1, maxLength: 4 }),
    ceilings: fc.array(ceiling, { maxLength: 2 }),
  })
  .map(({ grants, rights, ceilings }): AuthorizeContext => {
    const held = grants.map((one, at) => ({ ...one, id: `grn_${at}` }));
    const readings: Partial<Readings> = {
      account: () => ({ account: "acc", role: "member", createdAt: 1, suspendedAt: null }),
      grantsOfAgent: () => held,
      grantsFor: (_agent, name) => held.filter((one) => one.issuer === name),
    };
    return {
      issuers,
      readings: readings as Readings,
      rights: { rights, ceilings, policy: "" },
      publicUrl: "https://keys.example.com",
      now: () => now,
      walletOf: async () => undefined,
    };
  });
const anAsk: fc.Arbitrary<CredentialAsk> = fc.record({
  issuer,
  scope: fc.record({ actions: fc.constantFrom(["get"], ["put"]), resources: item.map((one) => [one]) }),
  ttl,
  units: fc.integer({ min: 1, max: 4 }),
});

const isAllowed = async (context: AuthorizeContext, ask: CredentialAsk): Promise<boolean> =>
  authorize(context, by, ask).then(
    () => true,
    () => false,
  );

test("an ask is allowed exactly when it lies within one of the parts", async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(world, anAsk, async (context, ask) => {
      const parts = findAllowed(context, by, ask.issuer);
      const fitting = parts.filter(
        (part) =>
          isWithin(ask.scope as Scope, part.scope) &&
          ask.ttl >= part.minTtl &&
          ask.ttl <= part.maxTtl &&
          (ask.units ?? 1) <= (part.left.units ?? Infinity),
      );
      count += fitting.length;
      expect(await isAllowed(context, ask)).toBe(fitting.length > 0);
    }),
    { numRuns: 3000 },
  );
  expect(count).toBeGreaterThan(50);
});

test("each part can be asked for as it stands, for its longest and its shortest lifetime", async () => {
  await fc.assert(
    fc.asyncProperty(world, async (context) => {
      for (const part of findAllowed(context, by))
        for (const lifetime of [part.minTtl, part.maxTtl]) {
          const units = part.left.units ?? 1;
          expect(await isAllowed(context, { ...part, ttl: lifetime, units })).toBe(true);
        }
    }),
    { numRuns: 500 },
  );
});
