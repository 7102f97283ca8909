import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { heldClock } from "../../../packages/client/test/held-clock.ts";
import { keepRenewed, type Lasting } from "../src/loopback/keep-renewed.ts";

const minute = 60_000;

/** A source of credentials that live for so many minutes, by a clock that the test holds. */
function useSource(minutes: number, behind = 0) {
  const clock = heldClock();
  const failures: unknown[] = [];
  let requests = 0;
  let fault: Error | undefined;
  let gate: Promise<unknown> = Promise.resolve();
  const ask = keepRenewed<Lasting & { readonly number: number }>({
    clock,
    onFailure: (error) => failures.push(error),
    async request() {
      const number = ++requests;
      await gate;
      if (fault !== undefined) throw fault;
      const issuedAt = clock.now() / 1000 - behind;
      return { number, issuedAt, expiresAt: issuedAt + minutes * 60 };
    },
  });
  return {
    ask: async () => (await ask()).number,
    clock,
    failures,
    requests: () => requests,
    fail(error: Error | undefined) {
      fault = error;
    },
    /** Holds requests back until the answered function is called. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      gate = promise;
      return () => resolve(undefined);
    },
  };
}

/** Lets everything go on that waits for nothing but a turn. */
const turn = async (): Promise<void> => setImmediate();

describe("a credential kept renewed", () => {
  it("is not requested before somebody asks", async () => {
    const source = useSource(60);
    await turn();
    expect(source.requests()).toBe(0);
  });

  it("asked for by 100 at once is requested once, and kept", async () => {
    const source = useSource(60);
    const release = source.hold();
    const asks = Array.from({ length: 100 }, async () => source.ask());
    release();
    expect(new Set(await Promise.all(asks))).toEqual(new Set([1]));
    source.clock.advance(39 * minute);
    expect(await source.ask()).toBe(1);
    expect(source.requests()).toBe(1);
  });

  it.each([
    [60, 40],
    [15, 10],
    [12, 7],
    [4, 2],
  ])("of %i minutes is renewed after %i minutes, once, while the old one is handed out", async (life, at) => {
    const source = useSource(life);
    await source.ask();
    source.clock.advance(at * minute - 1);
    expect(await source.ask()).toBe(1);
    expect(source.requests()).toBe(1);
    source.clock.advance(1);
    const release = source.hold();
    expect(await Promise.all([source.ask(), source.ask(), source.ask()])).toEqual([1, 1, 1]);
    release();
    await turn();
    expect(await source.ask()).toBe(2);
    expect(source.requests()).toBe(2);
  });

  it("is waited for in the last minute of the one before", async () => {
    const source = useSource(60);
    await source.ask();
    source.clock.advance(59 * minute);
    expect(await source.ask()).toBe(2);
  });

  it("lives as long by a clock that is an hour behind or ahead of the broker's", async () => {
    for (const behind of [-3600, 3600]) {
      const source = useSource(30, behind);
      await source.ask();
      source.clock.advance(19 * minute);
      expect(await source.ask()).toBe(1);
      source.clock.advance(10.5 * minute);
      expect(await source.ask()).toBe(2);
    }
  });

  it("that cannot be renewed is handed out while it is good, each failure told, one try in five seconds", async () => {
    const source = useSource(60);
    await source.ask();
    const down = new Error("down");
    source.fail(down);
    source.clock.advance(40 * minute);
    for (let count = 0; count < 10; count++) expect(await source.ask()).toBe(1);
    await turn();
    expect({ requests: source.requests(), failures: source.failures }).toEqual({ requests: 2, failures: [down] });
    source.clock.advance(5000);
    await source.ask();
    await turn();
    expect(source.requests()).toBe(3);
    source.clock.advance(19.5 * minute);
    expect(await source.ask()).toBe(1);
    source.clock.advance(minute);
    await expect(source.ask()).rejects.toBe(down);
    source.fail(undefined);
    source.clock.advance(5000);
    expect(await source.ask()).toBe(6);
  });

  it("that is refused is not asked for again by each retry of an SDK", async () => {
    const source = useSource(60);
    const refused = new Error("refused");
    source.fail(refused);
    for (let count = 0; count < 4; count++) {
      await expect(source.ask()).rejects.toBe(refused);
      source.clock.advance(1000);
    }
    expect({ requests: source.requests(), failures: source.failures }).toEqual({ requests: 1, failures: [refused] });
    source.clock.advance(1000);
    source.fail(undefined);
    expect(await source.ask()).toBe(2);
  });
});
