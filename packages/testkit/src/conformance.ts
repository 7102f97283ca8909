/** One obligation of a contract, as data: it can be run, listed, counted and documented. */
export interface ConformanceCase<Fixture> {
  /** e.g. `AUTH-04`. Never given to another obligation. */
  readonly id: string;
  /** The obligation as a sentence that is true of every conforming plug-in. */
  readonly states: string;
  /** Makes a fixture of its own, looks, and puts everything away. Rejects with a message that begins `conformance:`. */
  run(make: () => Promise<Fixture>): Promise<void>;
}

/** Case id to the reason why it does not hold for a plug-in. The same rows stand in the plug-in's README. */
export type Waivers = Readonly<Record<string, string>>;

/** The functions of a test runner that the kit needs: those of Vitest, node:test and Jest fit. */
export interface ConformanceRunner {
  /** Registers a test. */
  it(title: string, run: () => Promise<void>): unknown;
  /** Registers a test that is shown as not run. Needed only where there are waivers. */
  skip?(title: string, run: () => Promise<void>): unknown;
}

/**
 * Registers one test a case. A waiver needs a reason and must name a case of the list; a waived case is shown as skipped, with its
 * reason. Throws an Error for a waiver that is neither.
 *
 * @example
 * import { authCases, registerConformance } from "@agentkeys/testkit";
 * import { it } from "vitest";
 * registerConformance({ it }, authCases, async () => makeFixture());
 */
export function registerConformance<Fixture>(
  runner: ConformanceRunner,
  cases: readonly ConformanceCase<Fixture>[],
  make: () => Promise<Fixture>,
  options: { readonly waive?: Waivers } = {},
): void {
  const waivers = new Map(Object.entries(options.waive ?? {}));
  for (const [id, reason] of waivers) {
    if (!cases.some((known) => known.id === id)) throw new Error(`there is no case ${id} to waive`);
    if (reason.trim().length < 10) throw new Error(`the waiver of ${id} needs a reason`);
    if (runner.skip === undefined) throw new Error("a waiver needs the runner's skip, to be seen");
  }
  for (const one of cases) {
    const { id, states } = one;
    const reason = waivers.get(id);
    if (reason === undefined) runner.it(`[${id}] ${states}`, () => one.run(make));
    else runner.skip?.(`[${id}] ${states} (waived: ${reason})`, () => one.run(make));
  }
}
