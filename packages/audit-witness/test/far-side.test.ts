import { parseNote } from "@agentkeys/log";
import { createCall, createTestLog } from "@agentkeys/testkit";
import { expect, test } from "vitest";
import { verifyOffline } from "../src/verify.ts";
import { evidenceOf, makeScene } from "./scene.ts";
import { lineBy, submit } from "./support.ts";

test("a witness that calls a good head inconsistent is not believed to show a fork", async () => {
  const { log, proxy, publish } = await makeScene();
  log.grow(4);
  await publish();
  const { note } = log.head();
  const cosigned = await (await fetch(`${proxy.url}/${log.logId}/checkpoint`)).text();
  log.grow(2);
  const shown = [cosigned, note, "", "garbage", note + lineBy("another witness", "witness.example/w1", note)];
  for (const body of shown) {
    proxy.answer((request, _, response) => {
      response.statusCode = request.method === "POST" ? 422 : 200;
      response.end(request.method === "POST" ? "no\n" : body);
    });
    expect(["refused", "retry"]).toContain((await publish()).status);
  }
  proxy.answer((request, _, response) => {
    response.statusCode = request.method === "POST" ? 422 : 404;
    response.end();
  });
  expect((await publish()).status).toBe("refused");
  await proxy.farSide.up();
  expect((await publish()).status).toBe("ok");
});

test("a log the witness does not know yet is to be tried again", async () => {
  const { log, publish } = await makeScene("--log", createTestLog("other.example/log").vkey);
  log.grow(1);
  expect(await publish()).toMatchObject({ status: "retry", reason: expect.stringContaining("does not know this log") });
});

test.each([
  ["down", "retry"],
  ["hang", "retry"],
  ["lie", "refused"],
] as const)("a witness in state %s makes publishing answer %s, and nothing is lost", async (state, status) => {
  const { log, proxy, publish } = await makeScene();
  log.grow(2);
  await proxy.farSide[state]();
  expect(await publish(log.head(), 300)).toMatchObject({ status });
  await proxy.farSide.up();
  expect((await publish()).status).toBe("ok");
});

test.each([
  [500, {}, "retry", 5000],
  [503, { "retry-after": "7" }, "retry", 7000],
  [503, { "retry-after": "-7" }, "retry", 5000],
  [503, { "retry-after": "soon" }, "retry", 5000],
  [429, { "retry-after": "999999999" }, "retry", 3_600_000],
  [408, {}, "retry", 5000],
  [400, {}, "refused", undefined],
  [403, {}, "refused", undefined],
  [204, {}, "refused", undefined],
  [302, { location: "https://elsewhere.example" }, "refused", undefined],
] as const)("an answer of %i with %j is %s", async (code, headers, status, afterMs) => {
  const { log, proxy, publish } = await makeScene();
  log.grow(2);
  proxy.answer((_, __, response) => response.writeHead(code, headers).end("a reason\nand more"));
  const result = await publish();
  expect(result).toMatchObject({ status, reason: expect.stringMatching(new RegExp(`answered ${code}`, "u")) });
  expect((result as { afterMs?: number }).afterMs).toBe(afterMs);
});

test("only a cosignature of this very head by the configured key is believed, and nothing else is remembered", async () => {
  const { log, proxy, witness, host, publish } = await makeScene();
  log.grow(2);
  const [earlier] = evidenceOf(await publish()).cosignatures!;
  log.grow(1);
  const { note } = log.head();
  const foreign = lineBy("another witness", "witness.example/w1", note);
  const bodies = [
    "",
    "\n",
    "OK",
    earlier!,
    foreign,
    foreign + earlier!,
    parseNote(note).signatures[0]!.line,
    lineBy("another witness", "another.example", note),
    lineBy("another witness", "witness.example/w1", note, 0),
    Buffer.from([0xff, 0xfe]),
    "— x AAAA\n".repeat(100),
    "x".repeat(70_000),
  ];
  for (const body of bodies) {
    proxy.answer((_, __, response) => response.end(body));
    expect(["refused", "retry"]).toContain((await publish()).status);
  }
  expect(await host.store.list("")).toMatchObject([{ value: 2 }]);
  await proxy.farSide.up();
  const evidence = evidenceOf(await publish());
  expect(await verifyOffline(log.head(), evidence, { vkey: witness.vkey })).toBe(true);
});

test("among lines of other witnesses the right one is found, and only that one is kept", async () => {
  const { log, proxy, witness, publish } = await makeScene();
  log.grow(2);
  const right = evidenceOf(await publish()).cosignatures![0]!;
  const { note } = log.head();
  proxy.answer((_, __, response) => response.end(lineBy("another witness", "another.example", note) + right));
  const again = evidenceOf(await publish());
  expect(again.cosignatures).toEqual([right]);
  expect(await verifyOffline(log.head(), again, { vkey: witness.vkey })).toBe(true);
});

test("a true cosignature of an older head, given late, does not lower what is remembered", async () => {
  const { log, proxy, host, publish } = await makeScene();
  log.grow(5);
  const older = log.head();
  const [line] = evidenceOf(await publish(older)).cosignatures!;
  log.grow(4);
  await publish();
  proxy.answer((_, __, response) => response.end(line));
  expect(evidenceOf(await publish(older))).toMatchObject({ size: 5 });
  expect(await host.store.list("")).toMatchObject([{ value: 9 }]);
});

test("a cosigned head of another log is not taken for this one's", async () => {
  const other = createTestLog("other.example/log");
  const { log, proxy, host, anchor } = await makeScene("--log", other.vkey);
  other.grow(3);
  expect(await submit(proxy.url, other, 0)).toMatchObject({ status: 200 });
  const shown = await (await fetch(`${proxy.url}/${other.logId}/checkpoint`)).text();
  proxy.answer((_, __, response) => response.end(shown));
  expect(await anchor.head(other.logId, createCall(host))).toBe(3);
  expect(await anchor.head(log.logId, createCall(host))).toBeUndefined();
});

test("a conflict without a proper size is refused, and one that never ends is to be tried again", async () => {
  const { log, proxy, host, publish } = await makeScene();
  log.grow(5);
  const conflict = (type: string, body: string): void =>
    proxy.answer((_, __, response) => response.writeHead(409, { "content-type": type }).end(body));
  for (const [type, body] of [
    ["text/plain", "3\n"],
    ["text/x.tlog.size", "3"],
    ["text/x.tlog.size", "03\n"],
    ["text/x.tlog.size", "-1\n"],
    ["text/x.tlog.size", "9007199254740992\n"],
    ["text/x.tlog.size", ""],
  ] as const) {
    conflict(type, body);
    expect((await publish()).status).toBe("refused");
  }
  conflict("text/x.tlog.size", "3\n");
  const before = host.requests.length;
  expect((await publish()).status).toBe("retry");
  expect(host.requests.length - before).toBe(4);
  conflict("text/x.tlog.size", "6\n");
  expect(await publish()).toEqual({ status: "ahead", size: 6 });
  expect(await host.store.list("")).toEqual([]);
});
