/** A subject broken in just one way, and the case that must reject it. */
export interface Mutant {
  readonly kills: string;
  readonly flaw: string;
}

/** Rows of `[case, flaw, flaw …]` as mutants. */
export function mutantsOf(rows: readonly (readonly [string, ...string[]])[]): readonly Mutant[] {
  return rows.flatMap(([kills, ...flaws]) => flaws.map((flaw) => ({ kills, flaw })));
}
