import { AgentKeysError } from "@agentkeys/core";
import type { Counter, Family } from "../ops/registry.ts";
import { createLimiter, type Limiter } from "./limiter.ts";

/** What is counted, by whom. Each is a key of `[limits]`: what stands there is enforced. */
export interface LimitsConfig {
  /** Sign-ins, answers to them and pairings, by method and source, each minute. */
  readonly sign_ins: number;
  /** Sign-ins that send a message, by method and source, each minute. */
  readonly messages: number;
  /** Proofs, tokens and codes that were refused, by source, each minute. Requests that succeed are not counted. */
  readonly failures: number;
  /** Wrong claim, invite and recovery codes, by source, in ten minutes. */
  readonly codes: number;
  /** What anyone may read of the log and the sign-in pages, by source, each minute. */
  readonly reads: number;
  /** Calls of a person, by account, and what an agent asks about its grants, by agent, each minute. */
  readonly calls: number;
  /** Asks for a credential that were refused, and proposals, by agent, each minute. */
  readonly refusals: number;
}

/** The name of a limit. `polls` is by poll token, three times as often as the program is told to, and no setting. */
export type LimitName = keyof LimitsConfig | "polls";

/** The defaults of `[limits]`, but for connections and requests. */
export const defaultLimits: LimitsConfig = {
  sign_ins: 60,
  messages: 30,
  failures: 300,
  codes: 10,
  reads: 1200,
  calls: 600,
  refusals: 60,
};

const seconds: Readonly<Record<LimitName, number>> = {
  sign_ins: 60,
  messages: 60,
  failures: 60,
  codes: 600,
  reads: 60,
  calls: 60,
  refusals: 60,
  polls: 60,
};

/** The limits in force. Each throws ERR_REQUEST_RATE_LIMITED (429, `retry_after`), never anything that looks like a wrong proof. */
export interface Limits {
  /** Counts one, before anything expensive is done for it. */
  take(name: LimitName, key: string): void;
  /** Refuses a key whose count is used up; counts nothing. */
  check(name: LimitName, key: string): void;
  /** Counts one that is over already; never throws. */
  count(name: LimitName, key: string): void;
  /** True while a key is within the limit. */
  isWithin(name: LimitName, key: string): boolean;
}

/** Makes the limits of one broker. */
export function createLimits(config: LimitsConfig, now: () => number, limited: Family<Counter>): Limits {
  const make = (name: LimitName, limit: number): readonly [LimitName, Limiter] => [
    name,
    createLimiter({ limit, seconds: seconds[name], now }),
  ];
  const limiters = Object.fromEntries([
    ...(Object.keys(defaultLimits) as (keyof LimitsConfig)[]).map((name) => make(name, config[name])),
    make("polls", 90),
  ]) as Record<LimitName, Limiter>;
  const assert = (name: LimitName, { allowed, retryAfter }: { allowed: boolean; retryAfter: number }): void => {
    if (allowed) return;
    limited.with(name).add();
    throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", `too many requests (${name}); wait ${retryAfter} s`, {
      retryAfter,
    });
  };
  return {
    take: (name, key) => assert(name, limiters[name].take(key)),
    check: (name, key) => assert(name, limiters[name].check(key)),
    count: (name, key) => void limiters[name].take(key),
    isWithin: (name, key) => limiters[name].check(key).allowed,
  };
}
