import { array, assert, asyncProperty, boolean, constantFrom, nat, option, record } from "fast-check";
import type { HostStore } from "@agentkeys/core";
import { createFakeHost } from "@agentkeys/testkit";
import { describe, expect, it } from "vitest";
import { ada, answerOf, ben, handleOf, openProvisioner, wallets, type OpenProvisioner } from "./support/binding.ts";

/** Where the process ends: at its so many-th write, before the write is done or after. */
interface Crash {
  readonly at: number;
  readonly isDone: boolean;
}

/** The store of a process that ends at a write: that write and all that follow are rejected. */
function endingStore(store: HostStore, crash: Crash | undefined): HostStore {
  let writes = 0;
  const step = async <Result>(write: () => Promise<Result>): Promise<Result> => {
    const isLast = writes === crash?.at;
    writes += 1;
    if (crash === undefined || writes <= crash.at) return write();
    if (isLast && crash.isDone) await write();
    throw new Error("the process has ended");
  };
  return {
    get: (key) => store.get(key),
    list: (prefix, limit) => store.list(prefix, limit),
    put: (key, value, ttl) => step(() => store.put(key, value, ttl)),
    claim: (key, value, ttl) => step(() => store.claim(key, value, ttl)),
    take: (key) => step(() => store.take(key)),
    delete: (key) => step(() => store.delete(key)),
  };
}

const attempts = record({
  account: constantFrom(ada, ben),
  wallet: constantFrom(...wallets),
  crash: option(record({ at: nat(4), isDone: boolean() })),
});

describe("whatever crashes and races there are", () => {
  it("an address is of one account at most, for good, and lookup shows just that", async () => {
    const waves = array(array(attempts, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    await assert(
      asyncProperty(waves, async (all) => {
        const host = createFakeHost();
        const owners = new Map<string, string>();
        for (const wave of all) {
          // One wave runs at the same time, each attempt in a process of its own over the one store.
          const outcomes = await Promise.allSettled(
            wave.map(async ({ account, wallet, crash }) => {
              const calm = await openProvisioner({}, host);
              const answer = await answerOf(await calm.start(account, wallet), wallet);
              const store = endingStore(host.store, crash ?? undefined);
              return (await openProvisioner({}, host, { store })).provision(account, answer);
            }),
          );
          const next = await openProvisioner({}, host);
          const shown = await ownersShown(next);
          // What was, stays.
          for (const [address, owner] of owners) expect(shown.get(address)).toBe(owner);
          for (const [at, { account, wallet, crash }] of wave.entries()) {
            const outcome = outcomes[at]!;
            const owner = shown.get(wallet.address.toLowerCase());
            // What was promised, holds; and nobody is refused for an account that does not have the address.
            const isTrue =
              outcome.status === "fulfilled"
                ? owner === account
                : crash !== null || (owner !== undefined && owner !== account);
            expect([account, wallet.address, outcome.status, owner, isTrue]).toContain(true);
          }
          for (const [address, owner] of shown) owners.set(address, owner);
        }
        await expectUsable(await openProvisioner({}, host), owners);
      }),
      { numRuns: 60 },
    );
  });
});

/** Whose each address is, as lookup shows it; fails when it shows an address twice. */
async function ownersShown({ lookup }: OpenProvisioner): Promise<Map<string, string>> {
  const shown = new Map<string, string>();
  for (const account of [ada, ben]) {
    for (const { address } of await lookup(account)) {
      expect(shown.get(address)).toBeUndefined();
      shown.set(address, account);
    }
  }
  return shown;
}

/** Each wallet can be bound by its owner, or by anyone while it has none. */
async function expectUsable({ bind, lookup }: OpenProvisioner, owners: ReadonlyMap<string, string>): Promise<void> {
  for (const wallet of wallets) {
    const account = owners.get(wallet.address.toLowerCase()) ?? ben;
    expect(await bind(account, wallet)).toEqual(handleOf(wallet));
    expect(await lookup(account)).toContainEqual(handleOf(wallet));
  }
}
