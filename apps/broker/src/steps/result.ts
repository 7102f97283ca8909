declare const madeBy: unique symbol;

/** The result of a step. Only that step can make one, and the next step demands it. */
export type ResultOf<Step extends string, Facts extends object> = Readonly<Facts> & { readonly [madeBy]: Step };

/** For the step's own file only; a house rule refuses it anywhere else. */
export function resultOf<Step extends string, Facts extends object>(_step: Step, facts: Facts): ResultOf<Step, Facts> {
  return Object.freeze(facts) as ResultOf<Step, Facts>;
}
