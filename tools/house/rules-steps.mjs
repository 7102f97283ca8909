// The order of the broker's steps is a type; these rules keep the type from being made anywhere else.
import { BUDGETS } from "./tables.mjs";
import { linesOfCode, nameOf } from "./source.mjs";

const STEPS = "apps/broker/src/steps/";
const FLOWS = "apps/broker/src/flows/";

const broker = (tree) => tree.code.filter(({ path }) => path.startsWith("apps/broker/src/"));

/** The name in `resultOf("authorize", …)`, for every such call of a file. */
const resultsMadeIn = (source) =>
  source.nodes
    .filter((node) => node.type === "CallExpression" && nameOf(node.callee) === "resultOf")
    .map((node) => node.arguments[0]?.value);

/** Types declared as a step's result: `type Recorded = ResultOf<"record", …>`. */
const resultTypes = (tree) =>
  broker(tree).flatMap((source) =>
    source.nodes
      .filter((node) => node.type === "TSTypeAliasDeclaration" && node.typeAnnotation.typeName?.name === "ResultOf")
      .map((node) => node.id.name),
  );

export const stepRules = [
  {
    name: "result-by-its-own-step",
    states: 'the result of a step is made by that step\'s file alone: resultOf("record", …) stands in steps/record.ts',
    *check(tree) {
      for (const source of broker(tree)) {
        for (const made of resultsMadeIn(source)) {
          if (source.path === `${STEPS}${made}.ts`) continue;
          yield { where: source.path, what: `makes the result of ${made ?? "a step it does not name"}` };
        }
      }
    },
  },
  {
    name: "result-is-not-asserted",
    states: "no code outside the step that makes it says `as Recorded` of something: that would forge the result",
    *check(tree) {
      const results = [...resultTypes(tree), "ResultOf"];
      for (const source of broker(tree)) {
        // The one assertion that brands a value is in the file that declares the brand.
        if (source.path === `${STEPS}result.ts`) continue;
        for (const node of source.nodes) {
          const asserted = node.type === "TSAsExpression" ? node.typeAnnotation.typeName?.name : undefined;
          if (results.includes(asserted)) yield { where: source.path, what: `as ${asserted}` };
        }
      }
    },
  },
  {
    name: "step-knows-no-outside",
    states: "a step knows no flow, no HTTP and no boot",
    *check(tree) {
      for (const source of broker(tree).filter(({ path }) => path.startsWith(STEPS))) {
        for (const { specifier } of source.imports) {
          if (/^\.\.\/(flows|http|boot)\//.test(specifier) || /^(@hono\/|hono$|hono\/)/.test(specifier)) {
            yield { where: source.path, what: `imports ${specifier}` };
          }
        }
      }
    },
  },
  {
    name: "step-size",
    states: `a step has at most ${BUDGETS.step} lines of code`,
    *check(tree) {
      yield* tooLong(tree, STEPS, BUDGETS.step);
    },
  },
  {
    name: "flow-size",
    states: `a flow is one page: at most ${BUDGETS.flow} lines of code`,
    *check(tree) {
      yield* tooLong(tree, FLOWS, BUDGETS.flow);
    },
  },
];

function* tooLong(tree, folder, budget) {
  for (const source of broker(tree).filter(({ path }) => path.startsWith(folder))) {
    const lines = linesOfCode(source);
    if (lines > budget) yield { where: source.path, what: `${lines} lines of code, more than ${budget}` };
  }
}
