import type { ConformanceCase } from "../conformance.ts";
import { check, describe, expectEnd } from "../expect.ts";
import { expectNoSecrets } from "../keeping-secrets.ts";
import type { AnchorFixture } from "./anchor-fixture.ts";
import {
  defineAnchorCase as define,
  expectEvidence,
  expectPublished,
  expectSize,
  publish,
  type AnchorSubject,
} from "./anchor-subject.ts";

/** What a far side that fails, hangs or lies can do. */
export const anchorFaultCases: readonly ConformanceCase<AnchorFixture>[] = [
  define("ANC-14", "a far side that is down is a retry, and everything heals when it is up", async (subject) => {
    const { log, farSide } = subject.fixture;
    log.grow(2);
    const evidence = await expectPublished(subject, log.head());
    await farSide.down();
    log.grow(2);
    const { status } = await publish(subject, log.head(), { timeout: 2000 });
    check(status === "retry", `publish to a far side that is down is ${status}, not retry`);
    await expectNoAnswer(subject, evidence);
    await farSide.up();
    await expectPublished(subject, log.head());
    await expectSize(subject, 4);
  }),
  define("ANC-15", "a far side that hangs is a retry by the call's deadline", async (subject) => {
    const { log, farSide } = subject.fixture;
    log.grow(2);
    const evidence = await expectPublished(subject, log.head());
    await farSide.hang();
    log.grow(1);
    const { status } = await publish(subject, log.head(), { timeout: 500, within: 2500 });
    check(status === "retry", `publish to a far side that hangs is ${status}, not retry`);
    await expectNoAnswer(subject, evidence, 500);
    await farSide.up();
    await expectPublished(subject, log.head());
  }),
  define("ANC-16", "a far side that lies is believed in nothing", async (subject) => {
    const { log, farSide } = subject.fixture;
    log.grow(2);
    const head = log.head();
    const evidence = await expectPublished(subject, head);
    await farSide.lie();
    log.grow(2);
    const result = await publish(subject, log.head());
    if ("evidence" in result) await expectEvidence(subject, log.head(), result.evidence);
    check(
      !("evidence" in result) || subject.fixture.plugin.manifest?.offline !== "none",
      "a lie is taken for evidence",
    );
    await expectAnswers(subject, evidence, 2000);
    await farSide.up();
    await expectPublished(subject, log.head());
    await expectEvidence(subject, head, evidence);
  }),
  define("ANC-17", "a call that is aborted ends at once", async (subject) => {
    const { fixture, instance, call } = subject;
    fixture.log.grow(2);
    const signal = AbortSignal.abort();
    await publish(subject, fixture.log.head(), { signal, within: 2000 });
    await expectEnd(instance.head(fixture.log.logId, call({ signal })), "an aborted head");
    await fixture.farSide.hang();
    const gone = new AbortController();
    setTimeout(() => gone.abort(), 100);
    await publish(subject, fixture.log.head(), { signal: gone.signal, within: 2000 });
    await fixture.farSide.up();
    await expectPublished(subject, fixture.log.head());
  }),
  define("ANC-18", "a head that the host cannot prove is not taken, and nothing is lost by it", async (subject) => {
    const { fixture, instance, call } = subject;
    fixture.log.grow(2);
    await expectPublished(subject, fixture.log.head());
    fixture.log.grow(2);
    const tools = { prove: async () => Promise.reject(new Error("the log is closed")) };
    const ended = await expectEnd(instance.publish(fixture.log.head(), tools, call()), "publish without a proof");
    const isTaken = ended.status === "fulfilled" && "evidence" in ended.value;
    check(!isTaken || fixture.plugin.manifest?.checks !== "append-only", "a head is taken without its proof");
    await expectPublished(subject, fixture.log.head());
  }),
  define("ANC-19", "no configured secret stands in a log line or a reason", async (subject) => {
    const { fixture, host } = subject;
    const secrets = Object.values(fixture.host?.secrets ?? {});
    fixture.log.grow(2);
    const said: unknown[] = [await publish(subject, fixture.log.head())];
    for (const fault of ["down", "lie"] as const) {
      await fixture.farSide[fault]();
      fixture.log.grow(1);
      said.push(await publish(subject, fixture.log.head(), { timeout: 2000 }));
    }
    expectNoSecrets(secrets, [...said, ...host.logs, ...host.metrics], "a log line or a reason");
  }),
];

/** While the far side does not answer: undefined, and evidence stays what it was. */
async function expectNoAnswer(
  subject: AnchorSubject,
  evidence: Parameters<typeof expectAnswers>[1],
  timeout = 2000,
): Promise<void> {
  const [size, isHeld] = await expectAnswers(subject, evidence, timeout);
  check(size === undefined, `the far side does not answer, and head says ${String(size)}`);
  check(isHeld === undefined, `the far side does not answer, and verifyOnline says ${String(isHeld)}`);
}

/** Asks everything; fails the case when anything throws or takes longer than the call. */
async function expectAnswers(
  { fixture, instance, call }: AnchorSubject,
  evidence: Awaited<ReturnType<typeof expectPublished>>,
  timeout: number,
): Promise<readonly [number | undefined, boolean | undefined]> {
  const options = { timeout };
  const { log } = fixture;
  const within = timeout + 2000;
  const size = await expectEnd(instance.head(log.logId, call(options)), "head", within);
  const held = await expectEnd(
    instance.verifyOnline(log.head(evidence.size), evidence, call(options)),
    "verifyOnline",
    within,
  );
  const fresh = await expectEnd(instance.refresh(evidence, call(options)), "refresh", within);
  for (const [what, ended] of Object.entries({ head: size, verifyOnline: held, refresh: fresh }))
    check(ended.status === "fulfilled", `${what} threw ${ended.status === "rejected" ? describe(ended.reason) : ""}`);
  check(fresh.status === "fulfilled" && fresh.value.size === evidence.size, "refreshed evidence is of something else");
  return [size.status === "fulfilled" ? size.value : undefined, held.status === "fulfilled" ? held.value : undefined];
}
