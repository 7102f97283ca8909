import { join } from "node:path";
import type { AuditLog, EpochStart, LogUpkeep } from "@agentkeys/core";
import {
  decodeEntryBundle,
  decodeRecord,
  equalBytes,
  formatTilePath,
  fromBase64,
  growTree,
  leafHash,
  parseNote,
  parseReceipt,
  parseVkey,
  RecordType,
  tilesOf,
  toBase64,
  verifyLine,
  type Tile,
} from "@agentkeys/log";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectEnd, expectRefusal, isSameJson } from "../expect.ts";
import type { FakeHost } from "../fake-host.ts";
import { expectEndOfAborted } from "../input.ts";
import { parseConfig } from "../subject.ts";
import type { LogFixture } from "./log-fixture.ts";
import {
  ada,
  appendOne,
  ben,
  defineLogCase as define,
  expectPrefix,
  expectReceipt,
  makeEvent,
  makeEvents,
  type Head,
  type LogSubject,
} from "./log-subject.ts";

const everyOpening = [5, 6, 9, 11, 12];

/** What keeps a log over the years. */
export const logUpkeepCases: readonly ConformanceCase<LogFixture>[] = [
  define("LOG-23", "the tiles of every signed size give its root, and are the same bytes for ever", async (subject) => {
    const { call, instance } = subject;
    const heads: Head[] = [];
    const kept = new Map<string, Uint8Array>();
    const checkAll = async (log: AuditLog): Promise<void> => {
      for (const { logId, size, root } of heads) {
        const leaves = [];
        for (const tile of tilesOf(size)) {
          for (const path of pathsOf(tile)) {
            const bytes = await log.upkeep.tile(logId, path, call());
            check(bytes !== undefined, `there is no ${path} of the signed size ${size}`);
            check(equalBytes(kept.get(path) ?? bytes, bytes), `${path} is served with other bytes than before`);
            kept.set(path, bytes);
          }
          const bundle = kept.get(formatTilePath({ ...tile, level: "entries" }));
          if (tile.level === 0)
            leaves.push(...decodeEntryBundle(bundle ?? new Uint8Array()).map((entry) => leafHash(entry)));
        }
        check(toBase64(growTree(0, [], leaves).root) === root, `the entries of the size ${size} have another root`);
      }
    };
    for (const [from, to] of [
      [0, 1],
      [1, 5],
      [5, 259],
      [259, 262],
    ] as const) {
      await instance.append(makeEvents(from, to), call());
      heads.push(await instance.head(call()));
      await checkAll(instance);
    }
    const { logId, note } = await instance.head(call());
    const checkpoint = await instance.upkeep.tile(logId, "checkpoint", call());
    check(Buffer.from(checkpoint ?? []).toString() === note, "the checkpoint is not the newest head");
    await instance.close();
    await checkAll(await subject.open());
  }),
  define("LOG-24", "what is beyond the tree, of no log, or not in the written form is no resource", async (subject) => {
    const { instance, call } = subject;
    await instance.append(makeEvents(0, 5), call());
    const { logId } = await instance.head(call());
    const paths = ["", "tile/0/000", "tile/0/000.p/6", "tile/1/000.p/1", "tile/entries/001.p/1", "tile/0/000.p/0"];
    const forms = ["tile/0/0.p/5", "tile/0/x000/000.p/5", "tile/00/000.p/5", "tile/0/000.p/05", "tile/0/000.p/5 "];
    for (const path of [...paths, ...forms, "checkpoint/", "tile/0/0000.p/5", "tile/64/000.p/5"])
      check((await instance.upkeep.tile(logId, path, call())) === undefined, `there is a resource "${path}"`);
    for (const id of ["", "00".repeat(32), logId.toUpperCase()])
      check(
        (await instance.upkeep.tile(id, "checkpoint", call())) === undefined,
        "a log of no such id has a checkpoint",
      );
    const [epoch, ...more] = await instance.upkeep.epochs(call());
    const { origin, vkey, size } = await instance.head(call());
    check(isSameJson([epoch, more], [{ origin, logId, vkeys: [vkey], size }, []]), "the epochs are not this one alone");
  }),
  define("LOG-25", "after an erasure no call opens the account's records, and every proof holds", async (subject) => {
    const { instance, call } = subject;
    const [mine, theirs] = [makeEvents(0, 3), makeEvents(3, 5, { account: ben })];
    await instance.append([...mine, ...theirs], call());
    const before = await instance.head(call());
    for (let turn = 0; turn < 2; turn++) await instance.upkeep.erase(ada, call());
    await expectErased(subject, instance, before);
    for (const event of theirs)
      check(isSameJson((await instance.find(event.id, call()))?.event, event), "another account's record changed");
    const again = await appendOne(subject, makeEvent(1));
    check(again.index === 1, "an erased record that comes again has another place");
    check(parseReceipt(again.receipt).openings.length === 0, "an erased record is opened when it comes again");
    await instance.close();
    await expectErased(subject, await subject.open(), before);
  }),
  define("LOG-26", "a new key signs with the one before it, is recorded, and loses no record", async (subject) => {
    const { instance, call } = subject;
    await appendOne(subject, makeEvent(0));
    const old = await instance.head(call());
    const under = makeEvents(1, 9).map(async (event) => appendOne(subject, event));
    const vkey = await instance.upkeep.rotateKey(call());
    check(vkey !== old.vkey && parseVkey(vkey).name === old.origin, "the new key is not another one of the origin");
    await Promise.all(under);
    await expectSigners(instance, subject, [vkey, old.vkey]);
    const { size, logId } = await instance.head(call());
    check(size === 10, "appends and the new key's record do not all stand in the log");
    const path = formatTilePath({ level: "entries", index: 0, width: size });
    const bundle = decodeEntryBundle((await instance.upkeep.tile(logId, path, call())) ?? new Uint8Array());
    const records = bundle.map((entry) => decodeRecord(entry)).filter(({ type }) => type === RecordType.keyRotated);
    check(
      isSameJson(
        records.map(({ body }) => body),
        [{ vkey }],
      ),
      "the new key is not recorded",
    );
    const receipt = await instance.receipt({ record: makeEvent(0).id, open: [6, 9, 12] }, call());
    for (const key of [vkey, old.vkey]) await expectReceipt(receipt ?? "", makeEvent(0), key);
    await instance.close();
    const reopened = await subject.open();
    await expectSigners(reopened, subject, [vkey, old.vkey]);
    const next = await reopened.upkeep.rotateKey(call());
    await expectSigners(reopened, subject, [next, vkey]);
    const [epoch] = await reopened.upkeep.epochs(call());
    check(isSameJson(epoch?.vkeys, [old.vkey, vkey, next]), "the keys of the epoch are not all told, oldest first");
    await expectPrefix(reopened, subject, old, await reopened.head(call()));
  }),
  define("LOG-27", "a copy taken while appends go on opens as the log at the head answered", async (subject) => {
    const { instance, call } = subject;
    await instance.append(makeEvents(0, 20), call());
    const copy = join(subject.makeHost().dataDirectory, "copy");
    const other = subject.makeHost({ dataDirectory: copy });
    const taken = instance.upkeep.backup(copy, call());
    const under = makeEvents(20, 30).map(async (event) => appendOne(subject, event));
    const head = await taken;
    await Promise.all(under);
    await expectRefusal(instance.upkeep.backup(copy, call()), ["ERR_AUDIT_UNAVAILABLE"], "a copy into a full folder");
    const opened = await subject.open(other);
    const { size, root, origin } = await opened.head(call());
    check(size === head.size && root === head.root && origin === head.origin, "the copy is not the log at its head");
    for (const event of makeEvents(0, 20))
      check(isSameJson((await opened.find(event.id, call()))?.event, event), "a record is missing in the copy");
    check((await instance.head(call())).size === 30, "a copy lost an append of the log");
  }),
  define("LOG-28", "a new epoch names the old one, which stays as it is for its readers", async (subject) => {
    const { instance, host, call } = subject;
    const events = makeEvents(0, 5);
    await instance.append(events, call());
    const old = await instance.head(call());
    await expectRefusal(startEpoch(subject, host), ["ERR_AUDIT_IN_USE"], "a new epoch of an open log");
    const path = formatTilePath({ level: 0, index: 0, width: 5 });
    const tile = await instance.upkeep.tile(old.logId, path, call());
    await instance.close();
    const started = await startEpoch(subject, host);
    const previous = { origin: old.origin, size: old.size, root: old.root };
    check(isSameJson(started.previous, previous), "the answer is of another epoch before");
    const [host1, instance1] = partsOf(old.origin);
    const [host2, instance2, number2] = partsOf(started.origin);
    check(host2 === host1 && number2 === "2", "the new origin is not that of the next number");
    check(instance2 !== instance1, "the new origin has the old instance, as another copy's would");
    const log = await subject.open();
    const now = await log.head(call());
    check(now.origin === started.origin && now.size === 1, "the log does not go on in the new epoch");
    check(now.vkey.split("+")[2] !== old.vkey.split("+")[2], "the new epoch signs with the old key");
    const first = await log.upkeep.tile(now.logId, "tile/entries/000.p/1", call());
    const { type, body } = decodeRecord(decodeEntryBundle(first ?? new Uint8Array())[0] ?? new Uint8Array());
    const root = body?.["root"] instanceof Uint8Array ? toBase64(body["root"]) : "";
    check(type === RecordType.epochGenesis, "entry 0 is not of type 52");
    check(isSameJson({ ...body, root }, previous), "entry 0 does not say what the old log was");
    check(isSameJson(await origins(log.upkeep, subject), [old.origin, now.origin]), "the epochs are not both told");
    const later = await log.upkeep.tile(old.logId, path, call());
    check(isSameJson(later, tile), "a tile of the old epoch is another one");
    for (const event of events) {
      const receipt = await log.receipt({ record: event.id, open: [6, 9, 12] }, call());
      await expectReceipt(receipt ?? "", event, old.vkey);
    }
    const position = await appendOne({ ...subject, instance: log }, makeEvent(7));
    check(position.index === 1, "an append of the new epoch is not at the next place");
    await expectReceipt(position.receipt, makeEvent(7), now.vkey);
    const views = await log.read({ account: ada, limit: 10 }, call());
    check(
      isSameJson(
        views.map(({ event }) => event.id),
        [makeEvent(7), ...events.toReversed()].map(({ id }) => id),
      ),
      "an account does not read over all epochs",
    );
    await log.upkeep.erase(ada, call());
    await expectErased(subject, log, await log.head(call()));
  }),
  define("LOG-29", "upkeep that is aborted, or asked after close, ends at once", async (subject) => {
    const { instance, host, call } = subject;
    await instance.append(makeEvents(0, 3), call());
    const { logId } = await instance.head(call());
    const ask = (signal?: AbortSignal): Promise<unknown>[] => {
      const one = call(signal === undefined ? {} : { signal });
      const { upkeep } = instance;
      const directory = join(host.dataDirectory, "never");
      return [
        upkeep.epochs(one),
        upkeep.tile(logId, "checkpoint", one),
        upkeep.erase(ada, one),
        upkeep.rotateKey(one),
        upkeep.backup(directory, one),
      ];
    };
    for (const work of ask(AbortSignal.abort())) expectEndOfAborted(await expectEnd(work, "an aborted upkeep"));
    await instance.close();
    for (const work of ask()) expectEndOfAborted(await expectEnd(work, "an upkeep after close"));
  }),
];

function pathsOf(tile: Tile): readonly string[] {
  return tile.level === 0
    ? [formatTilePath(tile), formatTilePath({ ...tile, level: "entries" })]
    : [formatTilePath(tile)];
}

/** Fails the case where a record of ada, number 0 to 2, is opened, or its proof does not hold. */
async function expectErased({ call }: LogSubject, log: AuditLog, head: Head): Promise<void> {
  check((await log.read({ account: ada, limit: 10 }, call())).length === 0, "an erased account reads its records");
  for (const { id, account, agent, scope, grant, credential } of makeEvents(0, 3)) {
    const shown = JSON.stringify((await log.find(id, call()))?.event ?? {});
    const isHidden = [account, agent, scope, grant, credential].every(
      (value) => !shown.includes(JSON.stringify(value)),
    );
    check(isHidden && shown.includes(id), "a record of an erased account is found opened, or not at all");
    const receipt = await log.receipt({ record: id, open: everyOpening }, call());
    check(parseReceipt(receipt ?? "").openings.length === 0, "a receipt opens a record of an erased account");
  }
  const now = await log.head(call());
  check(now.size >= head.size && fromBase64(now.root).length === 32, "an erasure made the log shorter");
  const proof = await log.prove(head.size, now.size, call());
  check(Array.isArray(proof), "after an erasure there is no proof");
}

/** Fails the case unless the newest head is signed by these keys, each once, and names the first of them. */
async function expectSigners(log: AuditLog, { call }: LogSubject, vkeys: readonly string[]): Promise<void> {
  const { note, vkey } = await log.head(call());
  const { text, signatures } = parseNote(note);
  check(vkey === vkeys[0], "the head does not name the newest key");
  check(signatures.length === vkeys.length, `the head bears ${signatures.length} signatures, not ${vkeys.length}`);
  for (const one of vkeys) {
    const verified = await Promise.all(signatures.map(async ({ line }) => verifyLine(text, line, parseVkey(one))));
    check(verified.filter((line) => line !== undefined).length === 1, "a key has not signed the head once");
  }
}

async function origins(upkeep: LogUpkeep, { call }: LogSubject): Promise<readonly string[]> {
  return (await upkeep.epochs(call())).map(({ origin }) => origin);
}

/** Of `<host>/audit/<instance>/<epoch>`. */
function partsOf(origin: string): readonly (string | undefined)[] {
  const parts = origin.split("/");
  return [parts.slice(0, -2).join("/"), ...parts.slice(-2)];
}

async function startEpoch({ fixture }: LogSubject, host: FakeHost): Promise<EpochStart> {
  const parsed = await parseConfig(fixture, fixture.config);
  const { plugin } = fixture;
  check(plugin.startEpoch !== undefined, "the plug-in cannot begin an epoch");
  return plugin.startEpoch(parsed.issues === undefined ? parsed.value : undefined, host);
}
