import assert from "node:assert/strict";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { graceTime, nextRefreshState, type RefreshState } from "../../src/store/commands/refresh-tokens.ts";

// The model keeps every token that was ever given and says in words which may be taken; the subject keeps two hashes and an instant.
interface Model {
  readonly given: string[];
  /** Index of the token the newest was given for, while it may be taken once more. */
  spare: number | undefined;
  rotatedAt: number;
  isEnded: boolean;
}
interface Real {
  state: RefreshState;
  now: number;
}

class Present implements fc.Command<Model, Real> {
  readonly #back: number;
  constructor(back: number) {
    this.#back = back;
  }
  check = (model: Readonly<Model>): boolean => !model.isEnded;
  run(model: Model, real: Real): void {
    const at = Math.max(0, model.given.length - 1 - this.#back);
    const next = `token-${model.given.length}`;
    const isNewest = at === model.given.length - 1;
    const isSpare = at === model.spare && real.now - model.rotatedAt <= 60_000;
    const outcome = nextRefreshState(real.state, model.given[at]!, next, real.now);
    if (!isNewest && !isSpare) {
      assert.equal(outcome, "reuse");
      model.isEnded = true;
      return;
    }
    assert.notEqual(outcome, "reuse");
    real.state = outcome as RefreshState;
    if (isNewest) model.rotatedAt = real.now;
    model.spare = isNewest ? at : undefined;
    model.given.push(next);
  }
  toString = (): string => `present ${this.#back} back`;
}
class Use implements fc.Command<Model, Real> {
  check = (model: Readonly<Model>): boolean => !model.isEnded;
  run(model: Model, real: Real): void {
    model.spare = undefined;
    real.state = { ...real.state, previousHash: null };
  }
  toString = (): string => "use the newest access token";
}
class Wait implements fc.Command<Model, Real> {
  readonly #milliseconds: number;
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }
  check = (): boolean => true;
  run(_: Model, real: Real): void {
    real.now += this.#milliseconds;
  }
  toString = (): string => `wait ${this.#milliseconds} ms`;
}

test("the newest refresh token is taken, the one before once more within a minute, and any other ends the session", () => {
  expect(graceTime).toBe(60_000);
  const commands = [
    fc.nat({ max: 3 }).map((back) => new Present(back)),
    fc.constant(new Use()),
    fc.oneof(fc.nat({ max: 70_000 }), fc.constantFrom(59_999, 60_000, 60_001)).map((time) => new Wait(time)),
  ];
  fc.assert(
    fc.property(fc.commands(commands, { size: "+1" }), (run) =>
      fc.modelRun(
        () => ({
          model: { given: ["token-0"], spare: undefined, rotatedAt: 0, isEnded: false },
          real: { state: { refreshHash: "token-0", previousHash: null, rotatedAt: null }, now: 1_764_000_000_000 },
        }),
        run,
      ),
    ),
    { numRuns: 2000 },
  );
});
