import { formatReceipt, leafHash, growTree, parseReceipt, toBase64 } from "@agentkeys/log";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { account, boot, codeOf, issued, makeCall, makeFolder, openTestLog, verify } from "./support.ts";

const call = makeCall();

test("events stand in the order in which they were appended, each with a receipt that verifies at once", async () => {
  const log = await openTestLog(makeFolder());
  const events = [boot(), issued(), issued()];
  const positions = await log.append(events, call);
  expect(positions.map(({ index }) => index)).toEqual([0, 1, 2]);
  for (const [at, { receipt }] of positions.entries()) {
    const verified = await verify(log, receipt);
    expect(verified.index).toBe(at);
    expect(verified.record.id).toBe(events[at]!.id);
    expect(verified.checkpoint.size).toBe(3);
  }
});

test("the receipt of an append opens agent, scope and credential and nothing else", async () => {
  const log = await openTestLog(makeFolder());
  const event = issued();
  const [position] = await log.append([event], call);
  const { openings } = await verify(log, position!.receipt);
  expect(openings.map(({ key, value }) => [key, value])).toEqual([
    [6, event.agent],
    [9, event.scope],
    [12, event.credential],
  ]);
  for (const secret of [account, event.grant!, event.wallet!]) expect(position!.receipt).not.toContain(secret);
});

test("the receipt's text is ASCII and says what formatReceipt would", async () => {
  const log = await openTestLog(makeFolder());
  await log.append(
    Array.from({ length: 5 }, () => boot()),
    call,
  );
  const scope = '{"actions":["token"],"resources":["café \\"\u{1F511}\\""]}';
  const [position] = await log.append([issued({ scope })], call);
  expect(position!.receipt).toMatch(/^[ -~]*$/u);
  const receipt = parseReceipt(position!.receipt);
  expect(JSON.parse(formatReceipt(receipt))).toEqual(JSON.parse(position!.receipt));
  expect(receipt.openings[1]!.value).toBe(scope);
});

test("callers at the same time get one place each, and no place is empty", async () => {
  const log = await openTestLog(makeFolder());
  const appended = await Promise.all(Array.from({ length: 300 }, () => log.append([issued()], call)));
  const positions = appended.flat();
  expect(positions.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 300 }, (_, at) => at),
  );
  for (const { receipt } of positions) await verify(log, receipt);
  expect(await log.head(call)).toMatchObject({ size: 300 });
});

test("a caller that sends two lists at once finds them in the order sent", async () => {
  const log = await openTestLog(makeFolder());
  const appended = await Promise.all(Array.from({ length: 40 }, () => log.append([boot(), boot()], call)));
  expect(appended.flat().map(({ index }) => index)).toEqual(Array.from({ length: 80 }, (_, at) => at));
});

test("the same id with the same contents keeps its place, in one list, at the same time, later, and after a restart", async () => {
  const folder = makeFolder();
  const event = issued({ body: { a: 1, b: ["x"] } });
  const log = await openTestLog(folder);
  await log.append([boot()], call);
  const [first, second] = await log.append([event, event], call);
  const both = await Promise.all([log.append([{ ...event }], call), log.append([event, boot()], call)]);
  const [later] = await log.append([event], call);
  await log.close();
  const again = await openTestLog(folder);
  // The members' order is no content.
  const [restarted] = await again.append([Object.fromEntries(Object.entries(event).toReversed()) as never], call);
  for (const position of [first, second, both[0][0], both[1][0], later, restarted]) {
    expect(position!.index).toBe(1);
    await verify(again, position!.receipt);
  }
  expect(await again.head(call)).toMatchObject({ size: 3 });
});

test.each([
  ["time", 1],
  ["account", "00".repeat(32)],
  ["agent", "agt_other"],
  ["wallet", "0x0000000000000000000000000000000000000001"],
  ["wallet", undefined],
  ["scope", "other"],
  ["grant", "grn_other"],
  ["credential", "jti_other"],
  ["policy", "00".repeat(32)],
  ["validity", [1, 2]],
  ["body", { a: 1 }],
])("the same id with another %s is a conflict (%j)", async (name, value) => {
  const log = await openTestLog(makeFolder());
  const event = issued();
  await log.append([event], call);
  expect(await codeOf(log.append([{ ...event, [name]: value }], call))).toBe("ERR_AUDIT_CONFLICT");
  expect(await log.head(call)).toMatchObject({ size: 1 });
});

test("an event that cannot be encoded is refused to its caller alone", async () => {
  const log = await openTestLog(makeFolder());
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const bad = [
    issued({ id: "nonsense" }),
    issued({ agent: "" }),
    issued({ account: "not hex" }),
    issued({ time: -1 }),
    issued({ time: Number.NaN }),
    issued({ scope: "e\u0301" }),
    issued({ body: { n: 1.5 } }),
    issued({ body: { text: "x".repeat(5000) } }),
    issued({ body: { text: "x".repeat(2_000_000) } }),
    issued({ body: circular as never }),
    issued({ body: { big: 1n as never } }),
    boot({ type: 2, outcome: 1 }),
    boot({ body: null as never }),
    null as never,
    "text" as never,
    [] as never,
    {} as never,
  ];
  const results = await Promise.all(
    bad.flatMap((event) => [log.append([issued()], call), codeOf(log.append([event], call))]),
  );
  expect(results.filter((result) => result === "ERR_AUDIT_RECORD")).toHaveLength(bad.length);
  const good = results.filter((result) => typeof result === "object") as Awaited<ReturnType<typeof log.append>>[];
  for (const [position] of good) await verify(log, position!.receipt);
  expect(await log.head(call)).toMatchObject({ size: bad.length });
});

test("a list with one bad event leaves nothing of itself, and its good ids stay free", async () => {
  const log = await openTestLog(makeFolder());
  const good = issued();
  expect(await codeOf(log.append([good, issued({ time: -1 })], call))).toBe("ERR_AUDIT_RECORD");
  expect(await log.find(good.id, call)).toBeUndefined();
  const [other] = await log.append([{ ...good, agent: "agt_other" }], call);
  expect(other!.index).toBe(0);
});

test("an empty list is appended without a head", async () => {
  const log = await openTestLog(makeFolder());
  expect(await log.append([], call)).toEqual([]);
  expect(await log.head(call)).toMatchObject({ size: 0 });
});

test("whatever the batches, the tree is that of the entries in order (RFC 6962)", async () => {
  const log = await openTestLog(makeFolder());
  const leaves: Uint8Array[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), async (sizes) => {
      const appended = await Promise.all(
        sizes.map((size) =>
          log.append(
            Array.from({ length: size }, () => boot()),
            call,
          ),
        ),
      );
      for (const { receipt } of appended.flat()) leaves.push(leafHash(parseReceipt(receipt).entry));
      const { size, root } = growTree(0, [], leaves);
      const head = await log.head(call);
      expect(head).toMatchObject({ size, root: toBase64(root) });
    }),
    { numRuns: 40 },
  );
});
