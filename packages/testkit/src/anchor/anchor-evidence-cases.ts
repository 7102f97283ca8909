import type { Evidence, Json, TreeHead } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, isSameJson } from "../expect.ts";
import { hostileBodies, isPolluted } from "../hostile-json.ts";
import { createTestLog } from "../test-log.ts";
import type { AnchorFixture } from "./anchor-fixture.ts";
import { defineAnchorCase as define, expectPublished, isOffline, noteHashOf, verify } from "./anchor-subject.ts";

/** What `verifyOffline` takes for true. An anchor whose manifest says `offline: "none"` must take nothing. */
export const anchorEvidenceCases: readonly ConformanceCase<AnchorFixture>[] = [
  define(
    "ANC-10",
    "evidence that went through JSON verifies, and that of another head or log does not",
    async (subject) => {
      const { log } = subject.fixture;
      log.grow(2);
      const [older, olderEvidence] = [log.head(), await expectPublished(subject, log.head())];
      log.grow(3);
      const [newer, newerEvidence] = [log.head(), await expectPublished(subject, log.head())];
      const copy = JSON.parse(JSON.stringify(newerEvidence)) as Evidence;
      check(
        (await verify(subject, newer, copy)) === isOffline(subject),
        "evidence that went through JSON does not verify",
      );
      const fork = log.fork(1);
      fork.grow(4);
      const other = createTestLog("other.example/audit/testkit1/1");
      other.grow(5);
      for (const [what, head, evidence] of [
        ["an older head", newer, olderEvidence],
        ["a newer head", older, newerEvidence],
        ["a fork of the log", fork.head(5), newerEvidence],
        ["another log", other.head(), newerEvidence],
      ] as const) {
        check(!(await verify(subject, head, evidence)), `evidence verifies for ${what}`);
        const renamed = { ...evidence, size: head.size, note_hash: noteHashOf(head) };
        check(!(await verify(subject, head, renamed)), `evidence written over verifies for ${what}`);
      }
    },
  ),
  define("ANC-11", "one flipped bit anywhere in the evidence makes it false", async (subject) => {
    const { log } = subject.fixture;
    log.grow(6);
    const head = log.head();
    // The anchor's name only says which verifier to ask, and finality may be the verifier's own to say.
    const { anchor, finality, ...proving } = await expectPublished(subject, head);
    for (const spoiled of flipText(JSON.stringify(proving))) {
      const parsed = tryParse(spoiled);
      if (parsed === undefined) continue;
      const evidence = { ...parsed, anchor, finality } as unknown as Evidence;
      check(
        !(await verify(subject, head, evidence)),
        `evidence verifies with a flipped bit: ${differing(JSON.stringify(proving), spoiled)}`,
      );
    }
    for (const other of [0, 1, 2, 3, 4].filter((one) => one > finality))
      check(
        !(await verify(subject, head, { ...proving, anchor, finality: other as 4 })),
        "evidence verifies with a higher finality",
      );
  }),
  define("ANC-12", "one flipped bit anywhere in the head makes its evidence false", async (subject) => {
    const { log } = subject.fixture;
    log.grow(6);
    const head = log.head();
    const evidence = await expectPublished(subject, head);
    const [text = "", signatures = ""] = head.note.split("\n\n");
    const spoiled: TreeHead[] = [
      ...flipText(text).map((flipped) => ({ ...head, note: `${flipped}\n\n${signatures}` })),
      ...flipText(head.origin).map((origin) => ({ ...head, origin })),
      ...flipText(head.logId).map((logId) => ({ ...head, logId })),
      ...flipText(head.root).map((root) => ({ ...head, root })),
      { ...head, size: head.size + 1 },
      { ...head, size: head.size - 1 },
      { ...head, note: "" },
    ];
    for (const one of spoiled)
      check(
        !(await verify(subject, one, evidence)),
        `evidence verifies for a spoiled head: ${differing(JSON.stringify(head), JSON.stringify(one))}`,
      );
  }),
  define("ANC-13", "what is no evidence and what is no trust is false, never a crash", async (subject) => {
    const { fixture } = subject;
    fixture.log.grow(3);
    const head = fixture.log.head();
    const evidence = await expectPublished(subject, head);
    for (const value of hostileBodies) {
      const isTrue = isSameJson(value, evidence.proof);
      check(
        isTrue || !(await verify(subject, head, { ...evidence, proof: value })),
        "evidence with a made-up proof verifies",
      );
      check(!(await verify(subject, head, value as unknown as Evidence)), "a made-up value verifies as evidence");
    }
    for (const trust of hostileBodies) {
      if (JSON.stringify(trust) === JSON.stringify(fixture.trust)) continue;
      check(!(await verify(subject, head, evidence, trust)), "evidence verifies under a trust that names nobody");
    }
    for (const size of [-1, 0.5, 2 ** 53, NaN])
      check(!(await verify(subject, head, { ...evidence, size })), `evidence verifies with the size ${size}`);
    check(!isPolluted(), "a value changed what every object inherits");
  }),
];

/** Every text that differs from the given one in one of two bits of one character: another digit, another case. */
function flipText(text: string): readonly string[] {
  return Array.from(text, (_, at) => at).flatMap((at) =>
    [0x01, 0x20].map((mask) => {
      const flipped = String.fromCharCode(text.charCodeAt(at) ^ mask);
      return text.slice(0, at) + flipped + text.slice(at + 1);
    }),
  );
}

function tryParse(text: string): Readonly<Record<string, Json>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, Json>>) : undefined;
  } catch {
    return undefined;
  }
}

function differing(one: string, other: string): string {
  const at = Array.from(one).findIndex((_, place) => one[place] !== other[place]);
  return `…${other.slice(Math.max(0, at - 20), at + 20)}…`;
}
