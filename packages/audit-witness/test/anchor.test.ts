import type { Evidence, TreeHead } from "@agentkeys/core";
import { parseNote, parseVkey, verifyLine } from "@agentkeys/log";
import { createCall } from "@agentkeys/testkit";
import { expect, test } from "vitest";
import { verifyOffline } from "../src/verify.ts";
import { evidenceOf, makeScene, open } from "./scene.ts";
import { lineBy } from "./support.ts";

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
  // With the note the witness has, which the log itself has signed.
  const theirs = expect.stringMatching(
    /^keys\.example\/audit\/testkit0\/1\n9\n[\s\S]*\n— keys\.example\/audit\/testkit0\/1 /u,
  );
  expect(await publish(log.head(4))).toEqual({ status: "ahead", size: 9, theirs });
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
