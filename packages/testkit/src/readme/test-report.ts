/** What became of one case in a run of the tests. */
export interface CaseResult {
  readonly id: string;
  readonly outcome: "held" | "failed" | "waived" | "not run";
  /** Why it is waived. */
  readonly reason?: string;
}

/** What Jest defined and Vitest writes too (`--reporter=json`), as far as it is read here. */
interface AssertionResult {
  readonly title: string;
  readonly status: string;
}

/**
 * The kit's cases in a JSON report of Vitest or Jest, each once, by id. A case that was run for two fixtures holds when it holds for
 * both. Throws an Error for what is no such report.
 */
export function readTestReport(text: string): readonly CaseResult[] {
  const worst = ["held", "waived", "not run", "failed"];
  const found = new Map<string, CaseResult>();
  for (const result of assertionsIn(text)) {
    const one = caseResultOf(result);
    const known = one === undefined ? undefined : found.get(one.id);
    if (one === undefined || (known && worst.indexOf(known.outcome) > worst.indexOf(one.outcome))) continue;
    found.set(one.id, one);
  }
  return [...found.values()];
}

function caseResultOf({ title, status }: AssertionResult): CaseResult | undefined {
  const [, id] = /^\[([A-Z]{3,4}-\d{2})\] /u.exec(title) ?? [];
  if (id === undefined) return undefined;
  const [, reason] = / \(waived: (.+)\)$/u.exec(title) ?? [];
  if (status === "passed") return { id, outcome: "held" };
  if (status === "failed") return { id, outcome: "failed" };
  return reason === undefined ? { id, outcome: "not run" } : { id, outcome: "waived", reason };
}

function assertionsIn(text: string): readonly AssertionResult[] {
  const report: unknown = parseJson(text);
  const files = listOf(report, "testResults");
  const results = files?.flatMap((file) => listOf(file, "assertionResults") ?? []);
  if (results === undefined || !results.every(isAssertionResult))
    throw new Error("that is no JSON report of Vitest or Jest: `vitest run --reporter=json` writes one");
  return results;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listOf(value: unknown, name: string): readonly unknown[] | undefined {
  const member: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return Array.isArray(member) ? member : undefined;
}

function isAssertionResult(value: unknown): value is AssertionResult {
  const { title, status } = (value ?? {}) as { readonly title?: unknown; readonly status?: unknown };
  return typeof title === "string" && typeof status === "string";
}
