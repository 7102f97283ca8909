import { isIPv4 } from "node:net";
import { BoundedMap } from "../session/bounded-map.ts";
import { groupsOf, plainAddress } from "./address.ts";

/** What a limiter answers. `retryAfter` is whole seconds from 1 on where it is not allowed, else 0. */
export interface LimitVerdict {
  readonly allowed: boolean;
  readonly retryAfter: number;
}

/** Counts what each key does in a window of time that begins with the key's first take. */
export interface Limiter {
  /** Counts `cost` (default 1) for a key and says whether that is still within the limit. What is refused is not counted. */
  take(key: string, cost?: number): LimitVerdict;
  /** Says whether a take of 1 would be within the limit; counts nothing. */
  check(key: string): LimitVerdict;
  /** Begins a key's count anew, e.g. after a success that should not be held against it. */
  forget(key: string): void;
}

/** A limit of `limit` in every `seconds`. */
export interface LimiterOptions {
  readonly limit: number;
  readonly seconds: number;
  /** Milliseconds of any clock. */
  readonly now: () => number;
  /** How many keys are remembered; default 50,000. Beyond it, new keys share one count. */
  readonly most?: number;
}

const within: LimitVerdict = Object.freeze({ allowed: true, retryAfter: 0 });

interface Count {
  used: number;
  endsAt: number;
}

/**
 * A fixed-window limiter whose memory is bounded. It forgets no count that still binds, so a flood of keys cannot free one: when the
 * memory is full of live counts, new keys are counted together.
 *
 * @example createLimiter({ limit: 30, seconds: 60, now: Date.now }).take(sourceKey(address))
 */
export function createLimiter({ limit, seconds, now, most = 50_000 }: LimiterOptions): Limiter {
  const length = seconds * 1000;
  const counts = new Map<string, Count>();
  let crowd: Count = { used: 0, endsAt: 0 };
  let sweptAt = -Infinity;

  const isOver = (count: Count, time: number): boolean => count.endsAt <= time || count.endsAt > time + length;
  const countOf = (key: string, time: number): Count => {
    const known = counts.get(key);
    if (known !== undefined && !isOver(known, time)) return known;
    const fresh: Count = { used: 0, endsAt: time + length };
    if (known === undefined && counts.size >= most) {
      // A sweep looks at every count: at most one a second, whatever a flood does.
      if (Math.abs(time - sweptAt) >= 1000) {
        sweptAt = time;
        for (const [other, count] of counts) if (isOver(count, time)) counts.delete(other);
      }
      if (counts.size >= most) {
        if (isOver(crowd, time)) crowd = fresh;
        return crowd;
      }
    }
    // Who comes out of the crowd takes along what the crowd has used.
    const own = known === undefined && !isOver(crowd, time) ? { ...crowd } : fresh;
    counts.set(key, own);
    return own;
  };

  const refuse = (count: Count, time: number): LimitVerdict => ({
    allowed: false,
    retryAfter: Math.max(1, Math.ceil((count.endsAt - time) / 1000)),
  });

  return {
    take: (key, cost = 1) => {
      const time = now();
      const count = countOf(key, time);
      if (count.used + cost > limit) return refuse(count, time);
      count.used += cost;
      return within;
    },
    check: (key) => {
      const time = now();
      const count = counts.get(key) ?? (counts.size >= most ? crowd : undefined);
      return count === undefined || isOver(count, time) || count.used < limit ? within : refuse(count, time);
    },
    forget: (key) => void counts.delete(key),
  };
}

/**
 * The key a caller's address is limited by: an IPv4 address whole, also one written as IPv6 (`::ffff:192.0.2.1`); an IPv6 address by
 * its /64, since one subscriber has all of it. Anything else is one key for all.
 *
 * @example sourceKey("2001:DB8:0:0:1::7") // "2001:db8:0:0::/64"
 */
export function sourceKey(address: string | undefined): string {
  const text = address ?? "";
  const known = sourceKeys.get(text);
  if (known !== undefined) return known;
  const key = makeSourceKey(text);
  sourceKeys.set(text, key);
  return key;
}

const sourceKeys = new BoundedMap<string, string>(1000);

function makeSourceKey(address: string): string {
  const plain = plainAddress(address);
  if (plain === undefined) return "unknown";
  if (isIPv4(plain)) return plain;
  const network = groupsOf(plain).slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(":")}::/64`;
}
