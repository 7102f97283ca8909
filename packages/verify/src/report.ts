import { toBase64 } from "@agentkeys/log";
import type { AuditVerdict, SoundVerdict } from "./audit-verdict.ts";
import type { DiffVerdict } from "./diff.ts";
import { formatForkProof } from "./fork-proof.ts";
import { describeFacts, instant, show } from "./report-facts.ts";
import type { CountedWitness, Verdict } from "./verdict.ts";

/** Any verdict of this package: on a receipt, on a whole log, on two heads. */
export type AnyVerdict = Verdict | AuditVerdict | DiffVerdict;

/** A verdict as JSON data with snake_case members, instants in RFC 3339; `met` says whether the requirement is reached. */
export function reportJson(verdict: AnyVerdict, met: boolean): Record<string, unknown> {
  const { level } = verdict;
  const unproven = { not_proven: verdict.notProven };
  switch (verdict.level) {
    case "INVALID":
      return { level, met: false, reason: verdict.reason, ...unproven };
    case "FORKED":
    case "REWOUND": {
      const proof = verdict.proof === undefined ? {} : { proof: JSON.parse(formatForkProof(verdict.proof)) as unknown };
      return { level, met: false, reason: verdict.reason, notes: verdict.notes, ...proof, ...unproven };
    }
    case "CONSISTENT":
    case "UNDECIDED":
      return { level, met, facts: { log: verdict.origin, sizes: verdict.sizes }, ...unproven };
    default:
      return "facts" in verdict
        ? {
            level,
            met,
            witnesses: describeWitnesses(verdict.witnesses),
            quorum_met: verdict.quorumMet,
            anchors: verdict.anchors,
            facts: describeFacts(verdict.facts),
            ...unproven,
          }
        : { level, met, ...describeLog(verdict), ...unproven };
  }
}

/** A verdict as lines for a person. Text that comes from outside is quoted, so that it cannot move a terminal's cursor. */
export function reportText(verdict: AnyVerdict): string {
  return [...describe(verdict), "", "Not proven:", ...verdict.notProven.map((line) => `  - ${show(line)}`), ""].join(
    "\n",
  );
}

function describe(verdict: AnyVerdict): string[] {
  switch (verdict.level) {
    case "INVALID":
      return [`INVALID: ${show(verdict.reason)}`];
    case "FORKED":
    case "REWOUND":
      return [
        `${verdict.level}: ${show(verdict.reason)}`,
        ...verdict.notes.flatMap((note) => [
          "",
          ...note
            .trimEnd()
            .split("\n")
            .map((line) => `  ${show(line)}`),
        ]),
      ];
    case "CONSISTENT":
    case "UNDECIDED":
      return [verdict.level, "", "Proven:", `  log: ${show(verdict.origin)}`, ...describeSizes(verdict)];
    default:
      return "facts" in verdict ? describeReceipt(verdict) : describeSound(verdict);
  }
}

function describeSizes({
  level,
  sizes: [smaller, larger],
}: {
  level: string;
  sizes: readonly [number, number];
}): string[] {
  const what = `heads over ${smaller} and ${larger} records, both signed by the log`;
  return [`  ${what}`, ...(level === "CONSISTENT" ? ["  the larger has all that the smaller has, unchanged"] : [])];
}

function describeReceipt(verdict: Extract<Verdict, { facts: unknown }>): string[] {
  const { level, witnesses, anchors, facts } = verdict;
  const final = anchors.filter(({ finality }) => finality === 4).length;
  return [
    level === "SIGNED" ? level : level === "WITNESSED" ? `WITNESSED(${witnesses.length})` : `ANCHORED(${final}, final)`,
    "",
    "Proven:",
    ...Object.entries(describeFacts(facts)).map(([name, value]) => `  ${name.replaceAll("_", " ")}: ${show(value)}`),
    ...describeCosigned(witnesses),
    ...anchors.map(({ name, finality }) => `  anchored by ${show(name)}, finality ${finality} of 4`),
  ];
}

function describeSound(verdict: SoundVerdict): string[] {
  const { level, origin, size, root, witnesses, anchors, records, since, link, newKeys } = verdict;
  const final = anchors.filter(({ finalSize }) => finalSize > 0).length;
  return [
    level === "SIGNED" ? level : level === "WITNESSED" ? `WITNESSED(${witnesses.length})` : `ANCHORED(${final}, final)`,
    "",
    "Proven:",
    `  log: ${show(origin)}`,
    `  size: ${size}`,
    `  root: ${toBase64(root)}`,
    "  every hash was made again from the leaves up, and the log's key signed the root",
    ...(records === undefined
      ? []
      : [`  entries: ${records.count} canonical records under these hashes, ids unique, none from the future`]),
    ...(records?.rotations ?? []).map(({ index, vkey }) => `  key rotated in by entry ${index}: ${show(vkey)}`),
    ...describeCosigned(witnesses),
    ...anchors.map(
      ({ name, heads, size: largest, finalSize }) =>
        `  anchor ${show(name)}: ${heads} heads on this timeline, the largest over ${largest}` +
        (finalSize > 0 ? `; final evidence holds up to ${finalSize}` : ""),
    ),
    ...(since === undefined ? [] : [`  it has all of the head kept from before, over ${since}, unchanged`]),
    ...(link?.checked === true ? [`  it goes on from ${show(link.origin)} where that ended, at ${link.size}`] : []),
    ...(newKeys.length === 0 ? [] : ["", "Add to your trust files:", ...newKeys.map((vkey) => `  ${show(vkey)}`)]),
    ...describeFindings(verdict),
  ];
}

function describeFindings({ records }: SoundVerdict): string[] {
  const findings = records?.findings ?? [];
  const lines = findings.map(({ what, count, first }) => `  - ${count} entries, first ${first}: ${what}`);
  return lines.length === 0 ? [] : ["", "To look at:", ...lines];
}

function describeLog(verdict: SoundVerdict): Record<string, unknown> {
  const { origin, size, root, note, witnesses, quorumMet, records, anchors, since, link, newKeys } = verdict;
  return {
    witnesses: describeWitnesses(witnesses),
    quorum_met: quorumMet,
    anchors: anchors.map(({ finalSize, ...anchor }) => ({ ...anchor, final_size: finalSize })),
    facts: {
      log: origin,
      size,
      root: toBase64(root),
      note,
      ...(records === undefined
        ? {}
        : {
            records: records.count,
            rotations: records.rotations,
            findings: records.findings,
            late_ids: records.lateIds,
          }),
      ...(records?.successor === undefined ? {} : { successor: records.successor }),
      ...(since === undefined ? {} : { since }),
      ...(link === undefined
        ? {}
        : { previous: { log: link.origin, size: link.size, root: toBase64(link.root), checked: link.checked } }),
      new_keys: newKeys,
    },
  };
}

function describeWitnesses(witnesses: readonly CountedWitness[]): unknown[] {
  return witnesses.map(({ name, timestamp }) => ({ name, cosigned_at: instant(timestamp * 1000) }));
}

function describeCosigned(witnesses: readonly CountedWitness[]): string[] {
  return witnesses.map(({ name, timestamp }) => `  cosigned by ${show(name)} at ${instant(timestamp * 1000)}`);
}
