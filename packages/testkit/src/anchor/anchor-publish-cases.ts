import type { ConformanceCase } from "../conformance.ts";
import { check, isPlainJson } from "../expect.ts";
import { createTestLog } from "../test-log.ts";
import type { AnchorFixture } from "./anchor-fixture.ts";
import { defineAnchorCase as define, expectPublished, expectSize, publish } from "./anchor-subject.ts";

/** What the far side takes. */
export const anchorPublishCases: readonly ConformanceCase<AnchorFixture>[] = [
  define("ANC-01", "a published head has evidence, and the far side then has its size", async (subject) => {
    const { log } = subject.fixture;
    await expectSize(subject, 0);
    log.grow(3);
    await expectPublished(subject, log.head());
    await expectSize(subject, 3);
  }),
  define("ANC-02", "publishing a head again is the same head: nothing changes and nothing fails", async (subject) => {
    const { log } = subject.fixture;
    log.grow(4);
    await expectPublished(subject, log.head());
    await expectPublished(subject, log.head());
    await expectSize(subject, 4);
    const next = { ...subject, instance: await subject.open() };
    await expectSize(next, 4);
    await expectPublished(next, log.head());
  }),
  define("ANC-03", "publishing one head many times at once fails nowhere", async (subject) => {
    const { log } = subject.fixture;
    log.grow(5);
    const results = await Promise.all(Array.from({ length: 6 }, async () => publish(subject, log.head())));
    const allowed = ["ok", "already", "retry"];
    check(
      results.every(({ status }) => allowed.includes(status)),
      `of six at once, one is ${results.map(({ status }) => status).join()}`,
    );
    check(
      results.some(({ status }) => status === "ok" || status === "already"),
      "of six at once, none is taken",
    );
    await expectSize(subject, 5);
  }),
  define(
    "ANC-04",
    "a longer head is taken however many were missed, and older evidence stays true",
    async (subject) => {
      const { log } = subject.fixture;
      log.grow(3);
      const first = log.head();
      const evidence = await expectPublished(subject, first);
      for (const count of [1, 3, 500]) {
        log.grow(count);
        await expectPublished(subject, log.head());
        await expectSize(subject, log.size);
      }
      const refreshed = await subject.instance.refresh(evidence, subject.call());
      check(
        refreshed.size === 3 && refreshed.note_hash === evidence.note_hash,
        "refreshed evidence is of another head",
      );
    },
  ),
  define("ANC-05", "a shorter head lowers nothing", async (subject) => {
    const { log } = subject.fixture;
    log.grow(7);
    await expectPublished(subject, log.head());
    const result = await publish(subject, log.head(3));
    check(result.status !== "ok", "a shorter head is taken");
    if (result.status === "ahead") check(result.size === 7, `the far side is said to have ${result.size}, not 7`);
    await expectSize(subject, 7);
    log.grow(2);
    await expectPublished(subject, log.head());
  }),
  define("ANC-06", "a head that does not extend the last one is refused, and the true log goes on", async (subject) => {
    const { log, plugin } = subject.fixture;
    if (plugin.manifest?.checks !== "append-only") return;
    log.grow(4);
    await expectPublished(subject, log.head());
    const fork = log.fork(2);
    fork.grow(4);
    for (const [what, head] of [
      ["of another past", fork.head()],
      ["of another root", fork.head(4)],
    ] as const) {
      const { status } = await publish(subject, head, { log: fork });
      check(!["ok", "already", "ahead"].includes(status), `a head ${what} is ${status}`);
      await expectSize(subject, 4);
    }
    log.grow(2);
    await expectPublished(subject, log.head());
    await expectSize(subject, 6);
  }),
  define(
    "ANC-07",
    "of a log it never saw the far side has nothing, and publishing one is an answer",
    async (subject) => {
      const { fixture, instance, call } = subject;
      const other = createTestLog("other.example/audit/testkit1/1");
      other.grow(2);
      check((await instance.head(other.logId, call())) === 0, "the far side has a head of a log it never saw");
      await publish(subject, other.head(), { log: other });
      fixture.log.grow(1);
      await expectPublished(subject, fixture.log.head());
      await expectSize(subject, 1);
    },
  ),
  define("ANC-08", "the far side says of evidence whether it holds", async (subject) => {
    const { fixture, instance, call } = subject;
    fixture.log.grow(3);
    const head = fixture.log.head();
    const evidence = await expectPublished(subject, head);
    check(
      (await instance.verifyOnline(head, evidence, call())) === true,
      "the far side does not know its own evidence",
    );
    const fork = fixture.log.fork(1);
    fork.grow(2);
    const said = await instance.verifyOnline(fork.head(), evidence, call());
    check(said === false, "the far side takes evidence for a head that it never saw");
  }),
  define("ANC-09", "what refresh answers verifies, and never tells of less than before", async (subject) => {
    const { fixture, instance, call, host } = subject;
    fixture.log.grow(3);
    const head = fixture.log.head();
    const evidence = await expectPublished(subject, head);
    host.advance(3_600_000);
    const refreshed = await instance.refresh(evidence, call());
    check(refreshed.finality >= evidence.finality, "the finality went down");
    check(
      refreshed.size === evidence.size && refreshed.anchor === evidence.anchor,
      "refreshed evidence is of something else",
    );
    check(isPlainJson(refreshed), "refreshed evidence is not plain JSON");
    const isTrue = await fixture.verifyOffline(head, refreshed, fixture.trust);
    check(isTrue || fixture.plugin.manifest?.offline === "none", "refreshed evidence does not verify offline");
  }),
];
