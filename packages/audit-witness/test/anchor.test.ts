import { readFileSync } from "node:fs";
import type { AuditAnchor, Evidence, PublishResult, TreeHead } from "@agentkeys/core";
import { parseNote, parseVkey, toHex, verifyLine } from "@agentkeys/log";
import { createCall, createFakeHost, createTestLog, type FakeHost, type TestLog } from "@agentkeys/testkit";
import { expect, onTestFinished, test } from "vitest";
import plugin from "../src/index.ts";
import { verifyOffline } from "../src/verify.ts";
import { lineBy, makeFolder, startProxy, startWitness, type FaultyProxy, type RunningWitness } from "./support.ts";

interface Scene {
  readonly log: TestLog;
  readonly witness: RunningWitness;
  readonly proxy: FaultyProxy;
  readonly host: FakeHost;
  readonly anchor: AuditAnchor;
  readonly publish: (head?: TreeHead, timeout?: number) => Promise<PublishResult>;
}

/** A witness, a proxy before it, and an anchor that knows only the proxy. */
async function makeScene(...args: readonly string[]): Promise<Scene> {
  const log = createTestLog();
  const folder = makeFolder();
  const witness = await startWitness(folder.path, ...(args.length > 0 ? args : ["--log", log.vkey]));
  const proxy = await startProxy(witness.url);
  onTestFinished(async () => {
    await proxy.close();
    await witness.end("SIGKILL");
    folder.remove();
  });
  return { log, witness, proxy, ...(await open(log, { url: proxy.url, vkey: witness.vkey })) };
}

/** One more anchor, that remembers nothing. */
async function open(
  log: TestLog,
  config: { url: string; vkey: string },
): Promise<Pick<Scene, "host" | "anchor" | "publish">> {
  const host = createFakeHost({ name: "witness" });
  const anchor = await plugin.create(config, host);
  const publish = async (head = log.head(), timeout = 10_000): Promise<PublishResult> =>
    anchor.publish(head, log.tools, createCall(host, { timeout }));
  return { host, anchor, publish };
}

function evidenceOf(result: PublishResult): Evidence {
  if (result.status !== "ok" && result.status !== "already") throw new Error(JSON.stringify(result));
  return result.evidence;
}

test("a head is cosigned, and the evidence stands by itself", async () => {
  const { log, witness, publish } = await makeScene();
  log.grow(3);
  const result = await publish();
  expect(result.status).toBe("ok");
  const evidence = evidenceOf(result);
  expect(evidence).toMatchObject({ anchor: "witness", size: 3, finality: 4, proof: {} });
  const [line] = evidence.cosignatures!;
  expect(parseNote(log.head().note + line!).signatures).toHaveLength(2);
  expect(await verifyLine(parseNote(log.head().note).text, line!, parseVkey(witness.vkey))).toBeDefined();
  expect(await verifyOffline(log.head(), JSON.parse(JSON.stringify(evidence)), { vkey: witness.vkey })).toBe(true);
});

test("publishing a head again is `already`, with evidence that holds", async () => {
  const { log, witness, publish } = await makeScene();
  log.grow(3);
  await publish();
  const again = await publish();
  expect(again.status).toBe("already");
  expect(await verifyOffline(log.head(), evidenceOf(again), { vkey: witness.vkey })).toBe(true);
});

test("a later head is proven from the remembered size with one request, however far it has grown", async () => {
  const { log, host, publish } = await makeScene();
  for (const more of [1, 1, 5, 100, 256]) {
    log.grow(more);
    const before = host.requests.length;
    expect((await publish()).status).toBe("ok");
    expect(host.requests.length - before).toBe(1);
  }
});

test("an anchor that remembers nothing proves from the size that the witness states", async () => {
  const scene = await makeScene();
  scene.log.grow(5);
  await scene.publish();
  scene.log.grow(8);
  const fresh = await open(scene.log, { url: scene.proxy.url, vkey: scene.witness.vkey });
  expect((await fresh.publish()).status).toBe("ok");
  expect(fresh.host.requests).toHaveLength(2);
  const other = await open(scene.log, { url: scene.proxy.url, vkey: scene.witness.vkey });
  expect((await other.publish()).status).toBe("already");
});

test("an older head is `ahead`, and does not lower what is remembered", async () => {
  const { log, host, publish } = await makeScene();
  log.grow(9);
  await publish();
  expect(await publish(log.head(4))).toEqual({ status: "ahead", size: 9 });
  log.grow(1);
  const before = host.requests.length;
  expect((await publish()).status).toBe("ok");
  expect(host.requests.length - before).toBe(1);
});

test("another root for a size the witness has is a fork, shown by the witness's own note", async () => {
  const { log, proxy, witness, publish } = await makeScene();
  log.grow(9);
  await publish();
  const seen = log.head();
  for (const [from, more] of [
    [4, 5],
    [4, 20],
    [8, 1],
  ] as const) {
    const other = log.fork(from);
    other.grow(more);
    for (const anchor of [await open(other, { url: proxy.url, vkey: witness.vkey })]) {
      const result = await anchor.publish();
      expect(result).toMatchObject({ status: "fork", size: 9 });
      expect(result.status === "fork" && result.theirs.startsWith(seen.note)).toBe(true);
    }
  }
});

test("a witness that calls a good head inconsistent is not believed to show a fork", async () => {
  const { log, proxy, publish } = await makeScene();
  log.grow(4);
  await publish();
  const { note } = log.head();
  log.grow(2);
  const shown = [note, "", "garbage", note + lineBy("another witness", "witness.example/w1", note)];
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

test("heads published at the same time all end well, and the largest is remembered", async () => {
  const { log, host, anchor, publish } = await makeScene();
  log.grow(20);
  const results = await Promise.all(Array.from({ length: 10 }, (_, at) => publish(log.head(2 * at + 2))));
  for (const { status } of results) expect(["ok", "ahead", "already", "retry"]).toContain(status);
  await publish();
  expect(await anchor.head(log.logId, createCall(host))).toBe(20);
  expect(await host.store.list("")).toMatchObject([{ value: 20 }]);
});

test("the far head is what the witness shows, what is remembered where it shows none, and unknown while it cannot be asked", async () => {
  const { log, proxy, host, anchor, publish } = await makeScene();
  const head = async (timeout = 5000): Promise<number | undefined> =>
    anchor.head(log.logId, createCall(host, { timeout }));
  log.grow(7);
  expect(await head()).toBe(0);
  await publish();
  expect(await head()).toBe(7);
  proxy.answer((_, __, response) => response.writeHead(404).end());
  expect(await head()).toBe(7);
  for (const state of ["down", "hang", "lie"] as const) {
    await proxy.farSide[state]();
    expect(await head(300)).toBeUndefined();
  }
  for (const body of [
    "garbage",
    log.head().note,
    log.head().note + lineBy("another witness", "witness.example/w1", log.head().note),
  ]) {
    proxy.answer((_, __, response) => response.end(body));
    expect(await head()).toBeUndefined();
  }
});

test("evidence is confirmed while the witness shows that head or a later one, denied when it shows less, else unknown", async () => {
  const { log, proxy, host, anchor, publish } = await makeScene();
  log.grow(3);
  const [first, early] = [log.head(), evidenceOf(await publish())];
  const verify = async (head: TreeHead, evidence: Evidence): Promise<boolean | undefined> =>
    anchor.verifyOnline(head, evidence, createCall(host, { timeout: 500 }));
  expect(await verify(first, early)).toBe(true);
  const shownEarly = await (await fetch(`${proxy.url}/${log.logId}/checkpoint`)).text();
  log.grow(3);
  const late = evidenceOf(await publish());
  expect(await verify(first, early)).toBe(true);
  expect(await verify(log.head(), late)).toBe(true);
  expect(await verify(log.head(), early)).toBe(false);
  expect(await anchor.refresh(late, createCall(host))).toEqual(late);
  proxy.answer((_, __, response) => response.end(shownEarly));
  expect(await verify(log.head(), late)).toBe(false);
  await proxy.farSide.hang();
  expect(await verify(log.head(), late)).toBeUndefined();
});

test("it is ready while the witness answers, degraded while it does not, and never throws", async () => {
  const { proxy, host, anchor } = await makeScene();
  const ready = async (): Promise<unknown> => anchor.ready(createCall(host, { timeout: 500 }));
  expect(await ready()).toEqual({ status: "ready" });
  await proxy.farSide.down();
  expect(await ready()).toMatchObject({ status: "degraded" });
  await proxy.farSide.hang();
  expect(await ready()).toMatchObject({ status: "degraded" });
  await anchor.close();
  await anchor.close();
});

test("C2SP tlog-cosignature: the cosigned checkpoints of the project's vectors verify, and no other pairing of them does", async () => {
  const vectors = JSON.parse(readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"));
  const trust = { vkey: vectors.log.witness_vkey };
  const known: { head: TreeHead; evidence: Evidence }[] = vectors.checkpoints.map(
    ({ size, root, note, cosigned_note: cosigned, note_hash: hash }: Record<string, never>) => ({
      head: { origin: vectors.log.origin, logId: vectors.log.log_id, size, root, note },
      evidence: {
        anchor: "w1",
        size,
        note_hash: hash,
        finality: 4,
        cosignatures: [parseNote(String(cosigned)).signatures[1]!.line],
        proof: {},
      },
    }),
  );
  for (const { head } of known) {
    for (const { evidence } of known) {
      expect(await verifyOffline(head, evidence, trust)).toBe(head.size === evidence.size);
      const mixed = {
        ...evidence,
        size: head.size,
        note_hash: known.find((one) => one.head === head)!.evidence.note_hash,
      };
      expect(await verifyOffline(head, mixed, trust)).toBe(head.size === evidence.size);
    }
  }
});

test("evidence with any byte changed does not verify, nor a head, nor under another trust", async () => {
  const { log, witness, publish } = await makeScene();
  log.grow(3);
  const evidence = evidenceOf(await publish());
  const head = log.head();
  const trust = { vkey: witness.vkey };
  expect(await verifyOffline(head, evidence, trust)).toBe(true);
  for (const wrong of [null, {}, [], "x", { vkey: 1 }, { vkey: "" }, { vkey: log.vkey }, { vkey: [witness.vkey] }]) {
    expect(await verifyOffline(head, evidence, wrong)).toBe(false);
  }
  // The anchor's name is the config's, not the witness's: whoever looks the trust up by it checks it.
  const text = JSON.stringify(evidence);
  for (let at = text.indexOf('"size"'); at < text.length; at++) {
    const changed = tryParse(text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1));
    expect({ at, holds: changed !== undefined && (await verifyOffline(head, changed, trust)) }).toEqual({
      at,
      holds: false,
    });
  }
  const heads: Partial<TreeHead>[] = [
    { size: 2 },
    { origin: "other" },
    { logId: toHex(new Uint8Array(32)) },
    { root: log.head(2).root },
    { note: "x" },
    { note: log.head(2).note },
  ];
  for (const change of heads) expect(await verifyOffline({ ...head, ...change }, evidence, trust)).toBe(false);
  for (const change of [
    { more: 1 },
    { cosignatures: [] },
    { cosignatures: [...evidence.cosignatures!, ...evidence.cosignatures!] },
    { proof: [] },
  ]) {
    expect(await verifyOffline(head, { ...evidence, ...change }, trust)).toBe(false);
  }
});

function tryParse(text: string): Evidence | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test("the section is checked: an http address, a witness's vkey, and nothing else", async () => {
  const { log, witness } = await makeScene();
  const issues = async (section: unknown): Promise<number> =>
    (await plugin.config["~standard"].validate(section)).issues?.length ?? 0;
  const good = { url: "https://witness.example/prefix", vkey: witness.vkey };
  expect(await issues(good)).toBe(0);
  expect(await issues({ ...good, monitoring_url: "http://127.0.0.1:1" })).toBe(0);
  for (const url of [
    "",
    "witness.example",
    "ftp://witness.example",
    "https://witness.example/",
    "https://w.example?x",
    "https://w.example#x",
    "https://a:b@w.example",
    7,
  ]) {
    expect({ url, issues: await issues({ ...good, url }) }).toEqual({ url, issues: 1 });
  }
  for (const vkey of ["", log.vkey, `${witness.vkey}=`, witness.vkey.replace("+", "")]) {
    expect({ vkey, issues: await issues({ ...good, vkey }) }).toEqual({ vkey, issues: 1 });
  }
  expect(await issues({ ...good, more: 1 })).toBe(1);
  expect(await issues({ url: good.url })).toBe(1);
});
