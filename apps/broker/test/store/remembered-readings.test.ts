import { beforeEach, describe, expect, test } from "vitest";
import type { Account } from "../../src/store/commands/accounts.ts";
import type { Grant } from "../../src/store/commands/grants.ts";
import type { LiveSession, Readings } from "../../src/store/readings.ts";
import { rememberReadings } from "../../src/store/remembered-readings.ts";

const session = { id: "ses_1", account: "acc", agent: "agt_1", expiresAt: 10_000 } as LiveSession;
const account = { account: "acc", role: "member" } as Account;
const grant = { id: "grn_1", maxUses: null, budgetUnits: null, budgetSeconds: null, uses: 0 } as Grant;

let stored: { session: LiveSession | undefined; account: Account | undefined; grants: readonly Grant[] };
let reads: string[];
let store: { changes: number };
let time: number;
let readings: Readings;

beforeEach(() => {
  stored = { session, account, grants: [grant] };
  reads = [];
  store = { changes: 0 };
  time = 1000;
  const plain = {
    liveSession: () => (reads.push("session"), stored.session),
    account: () => (reads.push("account"), stored.account),
    grantsFor: () => (reads.push("grants"), stored.grants),
  } as Partial<Readings> as Readings;
  readings = rememberReadings(plain, store, () => time);
});

const readAll = () => [
  readings.liveSession("ses_1", time),
  readings.account("acc"),
  readings.grantsFor("agt_1", "oidc"),
];

describe("remembered readings", () => {
  test("are read once while nothing changes", () => {
    const first = readAll();
    expect(readAll()).toStrictEqual(first);
    expect(reads).toStrictEqual(["session", "account", "grants"]);
  });

  test("are all forgotten after one answered change, whatever it was", () => {
    readAll();
    stored = { session: undefined, account: undefined, grants: [] };
    store.changes++;
    expect(readAll()).toStrictEqual([undefined, undefined, []]);
  });

  test("are forgotten after half a second, so that a change of another process is seen, and when the clock steps back", () => {
    readAll();
    stored = { session: undefined, account: undefined, grants: [] };
    time += 501;
    expect(readAll()).toStrictEqual([undefined, undefined, []]);
    stored = { session, account, grants: [grant] };
    time -= 10_000;
    expect(readAll()).toStrictEqual([session, account, [grant]]);
  });

  test("a remembered session is over at its very instant", () => {
    time = 9_999;
    expect(readings.liveSession("ses_1", time)).toBe(session);
    expect(readings.liveSession("ses_1", 10_000)).toBeUndefined();
  });

  test("grants of limited use are read each time", () => {
    stored.grants = [grant, { ...grant, id: "grn_2", maxUses: 5 }];
    readAll();
    stored.grants = [grant, { ...grant, id: "grn_2", maxUses: 5, uses: 5 }];
    expect(readings.grantsFor("agt_1", "oidc")[1]?.uses).toBe(5);
  });

  test.each([
    ["units", { budgetUnits: 5, usedUnits: 5 }],
    ["seconds", { budgetSeconds: 5, usedSeconds: 5 }],
  ])("grants with a budget of %s are read each time", (_unit, used) => {
    stored.grants = [grant, { ...grant, id: "grn_2", ...used }];
    readAll();
    stored.grants = [];
    expect(readings.grantsFor("agt_1", "oidc")).toStrictEqual([]);
  });

  test("each agent and each issuer has its own grants", () => {
    readings.grantsFor("agt_1", "oidc");
    stored.grants = [];
    expect(readings.grantsFor("agt_2", "oidc")).toStrictEqual([]);
    expect(readings.grantsFor("agt_1", "evm")).toStrictEqual([]);
  });

  test("what is not there is not remembered", () => {
    stored = { session: undefined, account: undefined, grants: [] };
    readAll();
    stored = { session, account, grants: [] };
    expect(readings.liveSession("ses_1", time)).toBe(session);
    expect(readings.account("acc")).toBe(account);
  });
});
