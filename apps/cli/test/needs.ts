import type { TestContext } from "vitest";

/** Where `lacking` names something the machine has not: outside CI the test says why it is not run; in CI it fails. */
export function needs(context: TestContext, lacking: string | undefined): void {
  if (lacking === undefined) return;
  if (process.env["CI"] === "true") throw new Error(`this test needs ${lacking}`);
  process.stderr.write(`NOT RUN: «${context.task.name}», because it needs ${lacking}\n`);
  context.skip(lacking);
}
