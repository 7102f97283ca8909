import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { createNonces, type Nonces } from "../../src/session/nonces.ts";

let time: number;
let nonces: Nonces;
const make = (most?: number): Nonces =>
  createNonces({ now: () => time, random: (size) => randomBytes(size), ...(most === undefined ? {} : { most }) });

beforeEach(() => {
  time = 1_764_000_000_000;
  nonces = make();
});

describe("nonces", () => {
  test("one lives for its own window of 120 s and the next, and no longer", () => {
    const first = nonces.current();
    time += 119_999;
    expect(nonces.current()).toBe(first);
    time += 1;
    const second = nonces.current();
    expect(second).not.toBe(first);
    expect([first, second].map((nonce) => nonces.isLive(nonce))).toStrictEqual([true, true]);
    time += 120_000;
    expect([first, second].map((nonce) => nonces.isLive(nonce))).toStrictEqual([false, true]);
    time += 120_000;
    expect(nonces.isLive(second)).toBe(false);
  });

  test("when a window's end is noticed late, its nonce still lives no longer than the next", () => {
    const first = nonces.current();
    time += 239_999;
    expect(nonces.isLive(first)).toBe(true);
    time += 1;
    expect(nonces.isLive(first)).toBe(false);
  });

  test("after a quiet time nothing old is live", () => {
    const first = nonces.current();
    time += 240_000;
    expect(nonces.isLive(first)).toBe(false);
    const second = nonces.current();
    time += 1e9;
    expect(nonces.isLive(second)).toBe(false);
  });

  test("a nonce of another boot or instance is not live here", () => {
    expect(nonces.isLive(make().current())).toBe(false);
  });

  test("a nonce is compared whole", () => {
    const nonce = nonces.current();
    const near = ["", nonce.slice(1), nonce.slice(0, -1), `${nonce}x`, ` ${nonce}`, nonce.toLowerCase() + nonce];
    expect(near.filter((text) => nonces.isLive(text))).toStrictEqual([]);
  });

  test("a clock that steps back frees nothing", () => {
    const first = nonces.current();
    expect(nonces.spend(first, "a")).toBe("spent");
    time += 120_000;
    nonces.current();
    time -= 1_000_000;
    expect(nonces.spend(first, "a")).toBe("replayed");
    expect(nonces.spend(nonces.current(), "a")).toBe("replayed");
  });
});

describe("proofs seen", () => {
  test("one is spent once in all the time its nonce lives", () => {
    const nonce = nonces.current();
    expect(nonces.spend(nonce, "a")).toBe("spent");
    time += 119_000;
    expect(nonces.spend(nonce, "a")).toBe("replayed");
    time += 120_000;
    expect(nonces.spend(nonce, "a")).toBe("replayed");
    expect(nonces.spend(nonces.current(), "a")).toBe("replayed");
    time += 1000;
    expect(nonces.spend(nonce, "a")).toBe("stale");
  });

  test("a full window begins the next: nobody is refused, the nonce before still counts, memory stays bounded", () => {
    nonces = make(10);
    const issued = new Set<string>();
    for (let count = 0; count < 1000; count++) {
      const nonce = nonces.current();
      issued.add(nonce);
      expect(nonces.spend(nonce, `proof ${count}`)).toBe("spent");
    }
    expect(issued.size).toBe(100);
    expect([...issued].filter((nonce) => nonces.isLive(nonce)).length).toBeLessThanOrEqual(2);
    const last = [...issued].at(-1)!;
    expect(nonces.current()).not.toBe(last);
    expect(nonces.spend(last, "late")).toBe("spent");
    expect(nonces.spend(last, "proof 999")).toBe("replayed");
  });

  test("the window before cannot be filled without end either", () => {
    nonces = make(10);
    const nonce = nonces.current();
    time += 120_000;
    nonces.current();
    const answers = Array.from({ length: 30 }, (_, count) => nonces.spend(nonce, `proof ${count}`));
    expect(answers.filter((answer) => answer === "spent")).toHaveLength(20);
    expect(answers.filter((answer) => answer === "stale")).toHaveLength(10);
  });
});
