import type { AuditEvent, AuditPosition } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectEnd, expectRefusal, isSameJson } from "../expect.ts";
import { expectEndOfAborted } from "../input.ts";
import type { LogFixture } from "./log-fixture.ts";
import {
  appendOne,
  defineLogCase as define,
  expectReceipt,
  makeEvent,
  makeEvents,
  without,
  type LogSubject,
} from "./log-subject.ts";

/** What append promises. */
export const logAppendCases: readonly ConformanceCase<LogFixture>[] = [
  define(
    "LOG-01",
    "events stand in the order in which they were appended, each with its own receipt",
    async (subject) => {
      const { instance, call } = subject;
      const { size } = await instance.head(call());
      const events = makeEvents(0, 7);
      const positions = [
        ...(await instance.append(events.slice(0, 4), call())),
        ...(await instance.append(events.slice(4, 5), call())),
        ...(await instance.append(events.slice(5), call())),
      ];
      checkIndices(positions, size);
      const { vkey, size: grown } = await instance.head(call());
      check(grown === size + events.length, `the head counts ${grown} entries, not ${size + events.length}`);
      for (const [at, event] of events.entries()) await expectPosition(positions[at], event, vkey);
      check((await instance.append([], call())).length === 0, "nothing appended has a position");
      check((await instance.head(call())).size === grown, "nothing appended makes the log longer");
    },
  ),
  define("LOG-02", "256 appends at the same moment each get a place of their own", async (subject) => {
    const { instance, call } = subject;
    const { size } = await instance.head(call());
    const events = makeEvents(0, 256);
    const positions = await Promise.all(events.map(async (event) => appendOne(subject, event)));
    checkIndices(
      positions.toSorted((one, other) => one.index - other.index),
      size,
    );
    const { vkey, size: grown } = await instance.head(call());
    check(grown === size + 256, "the head does not count 256 entries more");
    for (const [at, event] of events.entries()) await expectPosition(positions[at], event, vkey);
  }),
  define("LOG-03", "the same id with the same contents is the same position", async (subject) => {
    const { instance, call } = subject;
    const event = makeEvent(0);
    const first = await appendOne(subject, event);
    await appendOne(subject, makeEvent(1));
    const { size } = await instance.head(call());
    const again = await Promise.all([appendOne(subject, event), appendOne(subject, structuredClone(event))]);
    check(
      again.every(({ index }) => index === first.index),
      "a repeated event has another position",
    );
    check((await instance.head(call())).size === size, "a repeated event makes the log longer");
    const { vkey } = await instance.head(call());
    for (const position of again) await expectPosition(position, event, vkey);
    const fresh = makeEvent(2);
    const twice = await Promise.all(Array.from({ length: 8 }, async () => appendOne(subject, fresh)));
    check(new Set(twice.map(({ index }) => index)).size === 1, "an event appended twice at once has two positions");
  }),
  define("LOG-04", "the same id with other contents is ERR_AUDIT_CONFLICT, and changes nothing", async (subject) => {
    const { instance, call } = subject;
    const event = makeEvent(0);
    await appendOne(subject, event);
    const before = await instance.head(call());
    const changes: readonly Partial<AuditEvent>[] = [
      { outcome: 3 },
      { time: event.time + 1 },
      { account: "be".repeat(32) },
      { agent: "agt_other" },
      { scope: '{"actions":["token"],"resources":["https://other.example"]}' },
      { credential: "jti_other" },
      { validity: [1, 2] },
      { policy: "dd".repeat(32) },
      { wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045" },
      { body: { note: "x" } },
    ];
    for (const change of changes) {
      const what = `the same id with another ${Object.keys(change).join()}`;
      await expectRefusal(instance.append([{ ...event, ...change }], call()), ["ERR_AUDIT_CONFLICT"], what);
    }
    check(isSameJson(await instance.head(call()), before), "a conflict changed the head");
    check(isSameJson((await instance.find(event.id, call()))?.event, event), "a conflict changed the record");
  }),
  define("LOG-05", "an event that cannot be encoded is ERR_AUDIT_RECORD and harms no other", async (subject) => {
    const { instance, call } = subject;
    const { size } = await instance.head(call());
    const bad = badEvents(makeEvent(900));
    const good = makeEvents(0, bad.length);
    const work = good.flatMap((event, at) => [
      appendOne(subject, event),
      expectRefusal(instance.append([bad[at]?.event as AuditEvent], call()), ["ERR_AUDIT_RECORD"], bad[at]?.what ?? ""),
    ]);
    const results = (await Promise.all(work)).filter((result): result is AuditPosition => "index" in result);
    checkIndices(
      results.toSorted((one, other) => one.index - other.index),
      size,
    );
    const { vkey, size: grown } = await instance.head(call());
    check(grown === size + good.length, "an event that was refused stands in the log");
    for (const [at, event] of good.entries()) await expectPosition(results[at], event, vkey);
    await appendOne(subject, makeEvent(900));
  }),
  define("LOG-06", "what was appended is there after the log is opened again, at the same place", async (subject) => {
    const events = makeEvents(0, 5);
    const positions = await subject.instance.append(events, subject.call());
    const before = await subject.instance.head(subject.call());
    await subject.instance.close();
    const reopened: LogSubject = { ...subject, instance: await subject.open() };
    const { instance, call } = reopened;
    const after = await instance.head(call());
    check(after.vkey === before.vkey && after.size === before.size, "the log came back with another key or size");
    check(after.root === before.root, "the log came back with another root");
    for (const [at, event] of events.entries()) {
      const again = await appendOne(reopened, event);
      check(again.index === positions[at]?.index, "a record stands at another place after the log was opened again");
      check(isSameJson((await instance.find(event.id, call()))?.event, event), "a record came back otherwise");
      const text = await instance.receipt({ record: event.id, open: [6, 9, 12] }, call());
      await expectReceipt(text ?? "", event, after.vkey);
    }
    const changed = { ...makeEvent(1), outcome: 4 };
    await expectRefusal(instance.append([changed], call()), ["ERR_AUDIT_CONFLICT"], "the same id with other contents");
    check((await appendOne(reopened, makeEvent(5))).index === before.size, "the log does not go on where it ended");
  }),
  define("LOG-07", "two instances cannot have one log open", async (subject) => {
    await appendOne(subject, makeEvent(0));
    await expectRefusal(subject.open(), ["ERR_AUDIT_IN_USE"], "opening a log that is open");
    await appendOne(subject, makeEvent(1));
    await subject.instance.close();
    await subject.open();
  }),
  define("LOG-08", "after close, and for an aborted call, append ends and says so", async (subject) => {
    const { instance, call } = subject;
    const aborted = instance.append([makeEvent(0)], call({ signal: AbortSignal.abort() }));
    expectEndOfAborted(await expectEnd(aborted, "an aborted append"));
    await appendOne(subject, makeEvent(1));
    const under = makeEvents(2, 34).map(async (event) => appendOne(subject, event));
    const closed = await expectEnd(instance.close(), "close", 10_000);
    check(closed.status === "fulfilled", "closing with appends under way is an error");
    const results = await expectEnd(Promise.allSettled(under), "the appends under way at close");
    const late = await expectEnd(instance.append([makeEvent(50)], call()), "an append after close");
    check(late.status === "rejected", "an append after close is acknowledged");
    expectEndOfAborted(late);
    const next = await subject.open();
    check((await next.find(makeEvent(1).id, call())) !== undefined, "a record acknowledged before close is lost");
    const settled = results.status === "fulfilled" ? results.value : [];
    for (const [at, result] of settled.entries())
      if (result.status === "fulfilled")
        check(
          (await next.find(makeEvent(2 + at).id, call()))?.index === result.value.index,
          "an acknowledged record is lost",
        );
    check((await next.find(makeEvent(50).id, call())) === undefined, "a record refused after close stands in the log");
  }),
];

async function expectPosition(position: AuditPosition | undefined, event: AuditEvent, vkey: string): Promise<void> {
  const { verified } = await expectReceipt(position?.receipt ?? "", event, vkey);
  check(verified.index === position?.index, "the receipt is of another place");
}

function checkIndices(positions: readonly AuditPosition[], first: number): void {
  const indices = positions.map(({ index }) => index);
  check(
    indices.every((index, at) => index === first + at),
    `the places are ${indices.slice(0, 8).join(", ")}, from ${first} on expected`,
  );
}

function badEvents(event: AuditEvent): readonly { readonly what: string; readonly event: AuditEvent }[] {
  const lacking = without(event, "scope", "credential", "validity");
  const bad: Readonly<Record<string, unknown>> = {
    "a record without scope, credential and validity": lacking,
    "an id that is no UUIDv7": { ...event, id: "7d444840-9dc0-11d1-b245-5ffdce74fad2" },
    "an id that is no UUID": { ...event, id: "x" },
    "a time with a fraction": { ...event, time: 1.5 },
    "a time before 1970": { ...event, time: -1 },
    "an unlisted type": { ...event, type: 999 },
    "an outcome that is none": { ...event, outcome: 5 },
    "an account that is no hash": { ...event, account: "ada" },
    "a policy that is no hash": { ...event, policy: "CC".repeat(32) },
    "text that is not in normal form": { ...event, agent: "e\u0301" },
    "text with a lone surrogate": { ...event, scope: "\ud800" },
    "an empty code": { ...event, code: "" },
    "validity that ends before it starts": { ...event, validity: [2, 1] },
    "a validity of one number": { ...event, validity: [1] },
    "a parent that is no UUID": { ...event, parent: "x" },
    "a body with a fraction": { ...event, body: { x: 0.5 } },
    "a body with null": { ...event, body: { x: null } },
    "a body that is too deep": { ...event, body: { a: { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } } } },
    "a record over 4,096 bytes": { ...event, body: { x: "x".repeat(4096) } },
    "no event at all": null,
  };
  return Object.entries(bad).map(([what, value]) => ({ what, event: value as AuditEvent }));
}
