import { expect, it } from "vitest";
import type { ConformanceCase } from "../src/index.ts";
import type { HasFlaw } from "./reference/schema.ts";
import type { Mutant } from "./mutants/mutant.ts";

/** Registers, for a reference and its mutants, that each case takes the one and rejects the others. */
export function proveCases<Fixture>(
  cases: readonly ConformanceCase<Fixture>[],
  mutants: readonly Mutant[],
  make: (has?: HasFlaw) => Fixture,
  name: string,
): void {
  it.each(cases.map((one) => [one.id, one.states, one] as const))(
    `%s takes the ${name} reference: %s`,
    async (_id, _states, one) => {
      await expect(one.run(async () => make())).resolves.toBeUndefined();
    },
  );
  it.each(mutants.map(({ kills, flaw }) => [kills, flaw] as const))(
    `%s rejects a ${name} subject that %s`,
    async (kills, flaw) => {
      const one = cases.find(({ id }) => id === kills);
      await expect(one?.run(async () => make((asked) => asked === flaw))).rejects.toThrow(/^conformance: /u);
    },
  );
}
