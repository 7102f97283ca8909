import { readFileSync } from "node:fs";
import { anchorCases } from "../anchor/anchor-cases.ts";
import { authCases } from "../auth/auth-cases.ts";
import { issuerCases } from "../issuer/issuer-cases.ts";
import { logCases } from "../log/log-cases.ts";
import { walletCases } from "../wallet/wallet-cases.ts";
import { type CaseResult, readTestReport } from "./test-report.ts";

const begin = "<!-- Written by agentkeys-conformance from a run of the kit. -->";
const end = "<!-- agentkeys-conformance: end -->";
const heading = "## Conformance";

const lists: readonly (readonly [name: string, ids: readonly string[]])[] = (
  [
    ["auth", authCases],
    ["wallet", walletCases],
    ["log", logCases],
    ["anchor", anchorCases],
    ["issuer", issuerCases],
  ] as const
).map(([name, cases]) => [name, cases.map(({ id }) => id)]);

/**
 * What a plug-in's README says of its conformance: how many cases of which list held in a run, under which version of the kit, and
 * each waiver with its reason. `report` is a JSON report of Vitest or Jest. Throws an Error, and so says nothing, when a case failed
 * or was not run.
 */
export function conformanceOf(report: string): string {
  const results = readTestReport(report);
  const [name, ids] = lists.find(([, known]) => results.some(({ id }) => id === known.at(-1))) ?? [];
  if (name === undefined || ids === undefined)
    throw new Error("no conformance case ran: is registerConformance called?");
  const byId = new Map(results.map((result) => [result.id, result]));
  const all = ids.map((id): CaseResult => byId.get(id) ?? { id, outcome: "not run" });
  const idsThat = (...outcomes: readonly string[]): readonly string[] =>
    all.filter(({ outcome }) => outcomes.includes(outcome)).map(({ id }) => id);
  const broken = [
    ...idsThat("failed").map((id) => `${id} failed`),
    ...idsThat("not run").map((id) => `${id} did not run`),
  ];
  if (broken.length > 0) throw new Error(broken.join(", "));
  const held = idsThat("held");
  const count = held.length === ids.length ? `All ${ids.length}` : `${held.length} of ${ids.length}`;
  const waived = all.filter(({ outcome }) => outcome === "waived").map(({ id, reason }) => `- ${id}: ${reason ?? ""}`);
  return [
    `${count} \`${name}\` cases of \`@agentkeys/testkit\` ${kitVersion()} hold: ${runsOf(ids, held)}.`,
    ...(waived.length === 0 ? ["None is waived."] : ["Waived:", "", ...waived]),
  ].join("\n");
}

/** The README with `text` in its section Conformance, where a former text of this kind stood, else before what else it says there. */
export function withConformance(readme: string, text: string): string {
  const block = `${begin}\n\n${text}\n\n${end}`;
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from !== -1 && to > from) return readme.slice(0, from) + block + readme.slice(to + end.length);
  const at = `\n${readme}`.indexOf(`\n${heading}\n`);
  if (at === -1) return `${readme.trimEnd()}\n\n${heading}\n\n${block}\n`;
  const after = at + heading.length;
  const rest = readme.slice(after).trimStart();
  return `${readme.slice(0, after)}\n\n${block}\n${rest === "" ? "" : `\n${rest}`}`;
}

/** `AUTH-01 to AUTH-07, AUTH-09`: neighbours in the list are written as one run. */
function runsOf(ids: readonly string[], held: readonly string[]): string {
  const runs: string[][] = [];
  for (const [at, id] of ids.entries()) {
    if (!held.includes(id)) continue;
    const last = runs.at(-1);
    const isNext = last?.at(-1) === ids[at - 1] && last?.[0]?.split("-")[0] === id.split("-")[0];
    if (last !== undefined && isNext) last.push(id);
    else runs.push([id]);
  }
  return runs.map((run) => (run.length > 1 ? `${run[0]} to ${run.at(-1)}` : run[0])).join(", ");
}

function kitVersion(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
