import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createLimiter, sourceKey, type Limiter } from "../../src/http/limiter.ts";

let time: number;
beforeEach(() => {
  time = 1_764_000_000_000;
});
const make = (limit: number, seconds: number, most?: number): Limiter =>
  createLimiter({ limit, seconds, now: () => time, ...(most === undefined ? {} : { most }) });
const ok = { allowed: true, retryAfter: 0 };

describe("limiter", () => {
  test("it allows the limit, then says how many seconds are left of the window that began with the first", () => {
    const limiter = make(3, 60);
    expect(limiter.take("a")).toStrictEqual(ok);
    time += 10_500;
    expect([limiter.take("a"), limiter.take("a")]).toStrictEqual([ok, ok]);
    expect(limiter.take("a")).toStrictEqual({ allowed: false, retryAfter: 50 });
    expect(limiter.take("b")).toStrictEqual(ok);
    time += 49_499;
    expect(limiter.take("a")).toStrictEqual({ allowed: false, retryAfter: 1 });
    time += 1;
    expect(limiter.take("a")).toStrictEqual(ok);
  });

  test("waiting retryAfter is always enough", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 90 }),
        fc.nat(200_000),
        (limit, seconds, wait) => {
          const limiter = make(limit, seconds);
          for (let count = 0; count < limit; count++) limiter.take("a");
          time += wait % (seconds * 1000);
          const { allowed, retryAfter } = limiter.take("a");
          expect(allowed).toBe(false);
          time += retryAfter * 1000;
          expect(limiter.take("a").allowed).toBe(true);
        },
      ),
    );
  });

  test("a take may cost more than one, and what is refused is not counted", () => {
    const limiter = make(5, 60);
    expect(limiter.take("a", 3).allowed).toBe(true);
    expect(limiter.take("a", 3).allowed).toBe(false);
    expect(limiter.take("a", 2).allowed).toBe(true);
    expect(limiter.take("a").allowed).toBe(false);
  });

  test("forgetting a key begins its count anew", () => {
    const limiter = make(1, 60);
    limiter.take("a");
    limiter.take("b");
    limiter.forget("a");
    expect([limiter.take("a").allowed, limiter.take("b").allowed]).toStrictEqual([true, false]);
  });

  test("however many take, in whatever order, no key gets more than the limit in a window, or twice that where newcomers share a count", () => {
    const step = fc.record({ key: fc.constantFrom("a", "b", "c", "d"), wait: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(2, 1000), (steps, most) => {
        const limiter = make(3, 30, most);
        const begun = new Map<string, { at: number; count: number }>();
        for (const { key, wait } of steps) {
          time += wait;
          if (!limiter.take(key).allowed) continue;
          const window = begun.get(key);
          if (window === undefined || time >= window.at + 30_000) begun.set(key, { at: time, count: 1 });
          else window.count++;
          // The window of a shared count is not the key's own: its end may fall into the middle of it.
          expect(begun.get(key)!.count).toBeLessThanOrEqual(most === 2 ? 6 : 3);
        }
      }),
    );
  });

  test("a flood of keys frees no key that has used its limit, and the newcomers share one count", () => {
    const limiter = make(5, 3600, 100);
    for (let count = 0; count < 5; count++) limiter.take("owner");
    const allowed = Array.from({ length: 10_000 }, (_, count) => limiter.take(`flood ${count}`)).filter(
      (verdict) => verdict.allowed,
    );
    expect(allowed).toHaveLength(99 + 5);
    expect(limiter.take("owner").allowed).toBe(false);
    time += 3_600_000;
    expect(limiter.take("newcomer").allowed).toBe(true);
    expect(limiter.take("owner").allowed).toBe(true);
  });
});

describe("the key of a source", () => {
  test("an IPv4 address counts whole, also when it is written as IPv6", () => {
    for (const address of ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
      expect(sourceKey(address), address).toBe("192.0.2.1");
    }
    expect(sourceKey("::ffff:192.0.2.2")).toBe("192.0.2.2");
  });

  test("an IPv6 address counts by its /64, however it is written", () => {
    const same = [
      "2001:db8:0:1::",
      "2001:DB8:0:1::1",
      "2001:db8::1:ffff:ffff:ffff:ffff",
      "2001:0db8:0000:0001:0:0:0:2",
      "2001:db8:0:1::192.0.2.1",
      "2001:db8:0:1::5%eth0",
    ];
    expect(new Set(same.map(sourceKey))).toStrictEqual(new Set(["2001:db8:0:1::/64"]));
    expect(sourceKey("2001:db8:0:2::1")).toBe("2001:db8:0:2::/64");
    expect(sourceKey("::1")).toBe("0:0:0:0::/64");
  });

  test("all addresses of one /64 are one key, and another /64 is another", () => {
    const group = fc.nat(0xffff);
    const groups = fc.tuple(group, group, group, group);
    const format = (parts: readonly number[]): string => parts.map((part) => part.toString(16)).join(":");
    fc.assert(
      fc.property(groups, groups, groups, fc.nat(3), (network, first, second, at) => {
        fc.pre(network.some((part) => part !== 0));
        const key = sourceKey(format([...network, ...first]));
        expect(sourceKey(new URL(`http://[${format([...network, ...second])}]`).hostname.slice(1, -1))).toBe(key);
        const other = network.with(at, network[at as 0] ^ 1);
        expect(sourceKey(format([...other, ...first]))).not.toBe(key);
      }),
    );
  });

  test("what is no address is one key for all", () => {
    for (const address of [undefined, "", "localhost", "1.2.3", "::g", "192.0.2.1, 192.0.2.2"]) {
      expect(sourceKey(address), String(address)).toBe("unknown");
    }
  });
});
