import { decodeRecord, FieldKey, parseReceipt, toHex } from "@agentkeys/log";
import type { AuditEvent } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectEnd, isSameJson } from "../expect.ts";
import { expectEndOfAborted } from "../input.ts";
import { expectNoSecrets } from "../keeping-secrets.ts";
import type { LogFixture } from "./log-fixture.ts";
import { ada, appendOne, ben, defineLogCase as define, makeEvent, makeEvents, type LogSubject } from "./log-subject.ts";

const addresses = ["0xd8da6bf26964af9d7eed9e03e53415d37aa96045", "0x0000000071727de22e5e9d8baf0edac6f37da032"];

/** What is shown to whom. */
export const logReadCases: readonly ConformanceCase<LogFixture>[] = [
  define(
    "LOG-16",
    "an account reads its own records, as they were, newest first, and none of another",
    async (subject) => {
      const { instance, call } = subject;
      const mine = makeEvents(0, 7).filter((_, at) => at % 2 === 0);
      const theirs = makeEvents(0, 7, { account: ben }).filter((_, at) => at % 2 === 1);
      const events = [...mine, ...theirs].toSorted((one, other) => one.time - other.time);
      await instance.append([...events, makeOperational(20)], call());
      for (const [account, expected] of [
        [ada, mine],
        [ben, theirs],
      ] as const) {
        const views = await instance.read({ account, limit: 100 }, call());
        check(
          isSameJson(
            views.map(({ event }) => event),
            expected.toReversed(),
          ),
          "an account reads something else than its records",
        );
        const indices = views.map(({ index }) => index);
        check(
          isSameJson(
            indices,
            indices.toSorted((one, other) => other - one),
          ),
          "the records are not newest first",
        );
      }
      for (const account of ["00".repeat(32), "", "%", ada.slice(0, 8), ada.toUpperCase()])
        check(
          (await instance.read({ account, limit: 100 }, call())).length === 0,
          "an account that has no record reads some",
        );
    },
  ),
  define("LOG-17", "reading goes on page by page, each record once", async (subject) => {
    const { instance, call } = subject;
    await instance.append(makeEvents(0, 10), call());
    await instance.append(makeEvents(20, 25, { account: ben }), call());
    const read: string[] = [];
    let before: number | undefined;
    for (let page = 0; page < 6; page++) {
      const views = await instance.read(
        { account: ada, limit: 3, ...(before === undefined ? {} : { before }) },
        call(),
      );
      check(views.length <= 3, "a page has more records than its limit");
      read.push(...views.map(({ event }) => event.id));
      before = views.at(-1)?.index ?? before;
    }
    const expected = makeEvents(0, 10).map(({ id }) => id);
    check(isSameJson(read, expected.toReversed()), "page by page, records are lost or repeated");
  }),
  define("LOG-18", "a record is found with its place and its contents", async (subject) => {
    const { instance, call } = subject;
    const events = [makeEvent(0), makeEvent(1, { account: ben, wallet: addresses[0] ?? "" }), makeOperational(2)];
    const positions = await instance.append(events, call());
    for (const [at, event] of events.entries()) {
      const view = await instance.find(event.id, call());
      check(view?.index === positions[at]?.index, "a record is found at another place");
      check(isSameJson(view?.event, event), "a record is found with other contents");
    }
  }),
  define("LOG-19", "nothing personal stands in an entry, and the same values never look the same", async (subject) => {
    const changes = {
      account: ada,
      agent: "agt_one",
      scope: '{"actions":["token"],"resources":["https://one.example"]}',
    };
    const made = [makeEvent(0, changes), makeEvent(1, { ...changes, grant: "grn_one", credential: "jti_one" })];
    const records = [];
    for (const event of made) {
      const entry = await entryOf(subject, event);
      const text = Buffer.from(entry).toString("latin1");
      for (const value of [
        event.agent,
        event.scope,
        event.grant,
        event.credential,
        Buffer.from(ada, "hex").toString("latin1"),
      ])
        check(!text.includes(value ?? "nothing"), "a personal value stands in the entry");
      records.push(decodeRecord(entry));
    }
    const [one, other] = records;
    for (const name of ["account", "agent", "scope"] as const)
      check(
        toHex(one?.[name] ?? new Uint8Array()) !== toHex(other?.[name] ?? new Uint8Array()),
        `the same ${name} has the same commitment`,
      );
  }),
  define(
    "LOG-20",
    "a wallet stands in an entry as a tag that is the same for the same wallet only",
    async (subject) => {
      const tags: string[] = [];
      for (const [at, wallet] of [addresses[0], addresses[0], addresses[1]].entries()) {
        const entry = await entryOf(subject, makeEvent(at, { wallet: wallet ?? "" }));
        check(
          !Buffer.from(entry).includes(Buffer.from((wallet ?? "").slice(2), "hex")),
          "the address stands in the entry",
        );
        check(!Buffer.from(entry).includes(wallet ?? ""), "the address stands in the entry");
        tags.push(toHex(decodeRecord(entry).wallet ?? new Uint8Array()));
      }
      check(tags[0] === tags[1] && tags[0] !== tags[2], "a tag is not the same for the same wallet only");
      const elsewhere = { ...subject, instance: await subject.open(subject.makeHost({ seed: "another" })) };
      const foreign = decodeRecord(await entryOf(elsewhere, makeEvent(0, { wallet: addresses[0] ?? "" }))).wallet;
      check(toHex(foreign ?? new Uint8Array()) !== tags[0], "two logs tag a wallet with the same key");
    },
  ),
  define("LOG-21", "nothing personal and no key stands in a log line", async (subject) => {
    const { instance, host, call } = subject;
    const event = makeEvent(0, { wallet: addresses[0] ?? "" });
    await appendOne(subject, event);
    await Promise.allSettled([
      instance.append([{ ...event, outcome: 3 }], call()),
      instance.append([{ ...event, time: 0.5 }], call()),
      instance.read({ account: ada, limit: 10 }, call()),
      instance.receipt({ record: event.id, open: [5, 6, 9, 11, 12] }, call()),
    ]);
    await instance.close();
    const personal = [event.account, event.agent, event.scope, event.grant, event.credential, event.wallet];
    expectNoSecrets(personal.map(String), [...host.logs, ...host.metrics], "a log line or metric");
  }),
  define("LOG-22", "a question that is aborted, or asked after close, ends at once", async (subject) => {
    const { instance, call } = subject;
    await instance.append(makeEvents(0, 3), call());
    const ask = (signal?: AbortSignal): Promise<unknown>[] => {
      const one = call(signal === undefined ? {} : { signal });
      const record = makeEvent(0).id;
      return [
        instance.head(one),
        instance.prove(1, 2, one),
        instance.receipt({ record, open: [] }, one),
        instance.read({ account: ada, limit: 10 }, one),
        instance.find(record, one),
      ];
    };
    for (const work of ask(AbortSignal.abort())) expectEndOfAborted(await expectEnd(work, "an aborted question"));
    await instance.close();
    for (const work of ask()) expectEndOfAborted(await expectEnd(work, "a question after close"));
  }),
];

/** Entry number FieldKey.id … of an event, from its receipt. */
async function entryOf(subject: LogSubject, event: AuditEvent): Promise<Uint8Array> {
  const { receipt } = await appendOne(subject, event);
  const { entry } = parseReceipt(receipt);
  check(decodeRecord(entry).id === event.id, `field ${FieldKey.id} of the entry is another id`);
  return entry;
}

function makeOperational(at: number): AuditEvent {
  const { id, time } = makeEvent(at);
  return { id, time, type: 40, outcome: 0, body: { plugins: [{ name: "x", version: "1.0.0" }] } };
}
