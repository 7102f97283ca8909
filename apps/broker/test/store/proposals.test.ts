// What the routes cannot show of proposals, since a revoked agent and a restored store answer nobody.
import Database from "better-sqlite3";
import { beforeEach, expect, test } from "vitest";
import { propose, sweepProposals, takeProposal, type Proposal } from "../../src/store/commands/proposals.ts";
import { endEverySession } from "../../src/store/commands/sessions.ts";
import { drizzle } from "../../src/store/drizzle.ts";
import { migrate } from "../../src/store/migrate.ts";
import { migrations } from "../../src/store/migrations.ts";
import { agents, proposals } from "../../src/store/schema.ts";

const now = 1_800_000_000_000;
const proposal: Proposal = {
  id: "prp_1",
  account: "acc",
  agent: "agt_1",
  issuer: "oidc",
  scope: "{}",
  ttl: 300,
  units: 1,
  createdAt: now,
  expiresAt: now + 1000,
  declinedAt: null,
};
const notFound = expect.objectContaining({ code: "ERR_GRANT_NOT_FOUND" });

let db: ReturnType<typeof drizzle<Record<string, never>>>;
beforeEach(() => {
  const client = new Database(":memory:");
  migrate(client, migrations);
  db = drizzle(client);
  const agent = { account: "acc", name: "bot", clientId: "agentkeys", thumbprint: "key", createdAt: now };
  db.insert(agents)
    .values([
      { ...agent, id: "agt_1" },
      { ...agent, id: "agt_2", revokedAt: now },
    ])
    .run();
});
const left = () => db.select().from(proposals).all().length;

test("an agent that was revoked while its proposal was on the way leaves none, nor does one of another account", () => {
  expect(() => propose(db, { proposal: { ...proposal, agent: "agt_2" }, now })).toThrow(notFound);
  expect(() => propose(db, { proposal: { ...proposal, account: "other" }, now })).toThrow(notFound);
  expect(left()).toBe(0);
});

test("a proposal is taken for its own agent alone, and not once it has expired", () => {
  propose(db, { proposal, now });
  const choice = { id: proposal.id, account: "acc", agent: "agt_1", now };
  expect(() => takeProposal(db, { ...choice, agent: "agt_2" })).toThrow(notFound);
  expect(() => takeProposal(db, { ...choice, now: proposal.expiresAt })).toThrow(notFound);
  takeProposal(db, choice);
  expect(left()).toBe(0);
});

test("an expired proposal makes room for the same wish, and is dropped at last", () => {
  propose(db, { proposal, now });
  const later = { ...proposal, id: "prp_2", createdAt: proposal.expiresAt, expiresAt: proposal.expiresAt + 1000 };
  expect(propose(db, { proposal: later, now: proposal.expiresAt }).id).toBe("prp_2");
  sweepProposals(db, { now: proposal.expiresAt });
  expect(db.select().from(proposals).all()).toEqual([later]);
});

test("a store from a backup has no proposals: since then they may have been decided", () => {
  propose(db, { proposal, now });
  endEverySession(db, { now, events: [] });
  expect(left()).toBe(0);
});
