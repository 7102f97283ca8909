import type { AuditAnchor, Evidence, Json, PublishResult, TreeHead } from "@agentkeys/core";
import { noteHash, parseNote, toHex } from "@agentkeys/log";
import { check, describe, expectEnd, isPlainJson } from "../expect.ts";
import { defineCase, type Subject } from "../subject.ts";
import type { CallOptions } from "../fake-host.ts";
import type { AnchorFixture } from "./anchor-fixture.ts";

/** An anchor opened for one case. */
export type AnchorSubject = Subject<AnchorFixture, AuditAnchor>;

/** Defines a case of the anchor contract. */
export const defineAnchorCase: typeof defineCase<AnchorFixture, AuditAnchor> = defineCase<AnchorFixture, AuditAnchor>;

/** Publishes a head and answers what came of it; fails the case when it throws, or ends after more than `within` milliseconds. */
export async function publish(
  subject: AnchorSubject,
  head: TreeHead,
  options: CallOptions & { readonly within?: number; readonly log?: AnchorFixture["log"] } = {},
): Promise<PublishResult> {
  const { within = 10_000, log = subject.fixture.log, ...call } = options;
  const ended = await expectEnd(subject.instance.publish(head, log.tools, subject.call(call)), "publish", within);
  check(ended.status === "fulfilled", `publish threw ${ended.status === "rejected" ? describe(ended.reason) : ""}`);
  checkResult(ended.value);
  return ended.value;
}

/** Publishes a head that must be taken; answers its evidence, which must be of this head and verify. */
export async function expectPublished(subject: AnchorSubject, head: TreeHead): Promise<Evidence> {
  const result = await publish(subject, head);
  check(
    result.status === "ok" || result.status === "already",
    `publish answers ${JSON.stringify(result).slice(0, 200)}`,
  );
  await expectEvidence(subject, head, result.evidence);
  return result.evidence;
}

/** Fails the case unless the evidence is of this head, is plain JSON, and verifies as far as the manifest says it can. */
export async function expectEvidence(subject: AnchorSubject, head: TreeHead, evidence: Evidence): Promise<void> {
  check(evidence.anchor === subject.host.name, "the evidence bears another name than the config section's");
  check(evidence.size === head.size, "the evidence is of another size");
  check(evidence.note_hash === noteHashOf(head), "the evidence is of another checkpoint text");
  check([1, 2, 3, 4].includes(evidence.finality), "the evidence has no finality from 1 to 4");
  check(isPlainJson(evidence), "the evidence is not plain JSON");
  if (isOffline(subject)) check(await verify(subject, head, evidence), "the evidence does not verify offline");
}

/** What `verifyOffline` says; a throw fails the case. */
export async function verify(
  { fixture }: AnchorSubject,
  head: TreeHead,
  evidence: Evidence,
  trust: Json = fixture.trust,
): Promise<boolean> {
  const [result] = await Promise.allSettled([fixture.verifyOffline(head, evidence, trust)]);
  check(
    result?.status === "fulfilled",
    `verifyOffline threw ${result?.status === "rejected" ? describe(result.reason) : ""}`,
  );
  return result.value;
}

/** True for an anchor whose evidence can be verified without the network. */
export function isOffline({ fixture }: AnchorSubject): boolean {
  return fixture.plugin.manifest?.offline !== "none";
}

/** Lower hex of the note hash of a head's checkpoint text. */
export function noteHashOf(head: TreeHead): string {
  return toHex(noteHash(parseNote(head.note).text));
}

/** The far side's size for the log; fails the case when it cannot say. */
export async function expectSize({ instance, call, fixture }: AnchorSubject, size: number): Promise<void> {
  const found = await instance.head(fixture.log.logId, call());
  check(found === size, `the far side has a head of ${String(found)}, not of ${size}`);
}

function checkResult(result: PublishResult): void {
  if (result.status === "retry") {
    check(Number.isFinite(result.afterMs) && result.afterMs >= 0, "a retry does not say after how many milliseconds");
    check(result.reason !== "", "a retry gives no reason");
  } else if (result.status === "refused") check(result.reason !== "", "a refusal gives no reason");
  else if (result.status === "ahead" || result.status === "fork")
    check(Number.isSafeInteger(result.size) && result.size > 0, `${result.status} does not say of what size`);
  else check(result.status === "ok" || result.status === "already", `an unknown result ${JSON.stringify(result)}`);
}
