import { BoundedMap } from "../session/bounded-map.ts";
import type { Account } from "./commands/accounts.ts";
import type { Grant } from "./commands/grants.ts";
import type { Store } from "./engine-store.ts";
import { isCounted } from "./grant-limits.ts";
import type { LiveSession, Readings } from "./readings.ts";

const mostRemembered = 10_000;

/** What another process changed is seen after so many milliseconds at the latest. */
const longestMemory = 500;

/** What was read since the store last changed. */
interface Memory {
  readonly changes: number;
  readonly since: number;
  readonly sessions: BoundedMap<string, LiveSession>;
  readonly accounts: BoundedMap<string, Account>;
  readonly grants: BoundedMap<string, readonly Grant[]>;
}

/**
 * The readings, of which those that each call of an agent needs are remembered: its session, its account, its grants. One answered
 * change of the store, whatever it was, and all is forgotten; only what a mint writes is none. `reserveUse` changes how often a grant was used,
 * so grants with a limit of uses or a budget are read each time. Nothing is remembered longer than half a second.
 *
 * Whoever was told that a revocation is done can rely on it: the memory is forgotten before the answer is given. A use is
 * checked once more where it is written, inside its transaction.
 */
export function rememberReadings(readings: Readings, store: Pick<Store, "changes">, now: () => number): Readings {
  const begin = (): Memory => ({
    changes: store.changes,
    since: now(),
    sessions: new BoundedMap(mostRemembered),
    accounts: new BoundedMap(mostRemembered),
    grants: new BoundedMap(mostRemembered),
  });
  let memory = begin();
  const current = (): Memory => {
    const isOver = memory.changes !== store.changes || Math.abs(now() - memory.since) > longestMemory;
    if (isOver) memory = begin();
    return memory;
  };

  return {
    ...readings,
    liveSession(id, at) {
      const { sessions } = current();
      const session = sessions.get(id) ?? readings.liveSession(id, at);
      if (session === undefined || session.expiresAt <= at) return undefined;
      sessions.set(id, session);
      return session;
    },
    account(id) {
      const { accounts } = current();
      const account = accounts.get(id) ?? readings.account(id);
      if (account !== undefined) accounts.set(id, account);
      return account;
    },
    grantsFor(agent, issuer) {
      const { grants } = current();
      const key = `${agent} ${issuer}`;
      const known = grants.get(key);
      if (known !== undefined) return known;
      const found = readings.grantsFor(agent, issuer);
      if (!found.some(isCounted)) grants.set(key, found);
      return found;
    },
  };
}
