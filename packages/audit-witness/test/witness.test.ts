import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCheckpoint, parseNote, parseVkey, signNote, verifyLine } from "@agentkeys/log";
import { createTestLog, makeSigner, type TestLog } from "@agentkeys/testkit";
import { expect, onTestFinished, test } from "vitest";
import {
  formatSubmission,
  growTo,
  makeFolder,
  openWitness,
  post,
  startWitness,
  submit,
  type Answer,
  type RunningWitness,
} from "./support.ts";

const vectors = JSON.parse(readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"));

/** True when the answer is exactly one valid cosignature of the note by the witness. */
async function isCosigned(answer: Answer, note: string, vkey: string): Promise<boolean> {
  const verified = await verifyLine(parseNote(note).text, answer.body, parseVkey(vkey));
  return answer.status === 200 && Math.abs((verified?.timestamp ?? 0) - Date.now() / 1000) < 60;
}

test("the checkpoints of the project's vectors are cosigned in turn, with their consistency proofs", async () => {
  const { path, remove } = makeFolder();
  const witness = await startWitness(path, "--log", vectors.log.vkey);
  onTestFinished(async () => {
    await witness.end("SIGKILL");
    remove();
  });
  let old = 0;
  for (const size of [1, 8, 255, 256, 300]) {
    const { note } = vectors.checkpoints.find((one: { size: number }) => one.size === size);
    const step = vectors.consistency.find((one: { from: number; to: number }) => one.from === old && one.to === size);
    const answer = await post(witness.url, formatSubmission(old, step?.proof ?? [], note));
    expect(await isCosigned(answer, note, witness.vkey)).toBe(true);
    old = size;
  }
});

test("every size from nothing to forty is cosigned in steps of one to seven, and the newest is served with both signatures", async () => {
  const log = createTestLog();
  const witness = await openWitness(log);
  for (let old = 0; old < 40;) {
    log.grow(1 + (old % 7));
    const answer = await submit(witness.url, log, old);
    expect(await isCosigned(answer, log.head().note, witness.vkey)).toBe(true);
    expect(await served(witness, log)).toBe(log.head().note + answer.body);
    old = log.size;
  }
});

test("the head of an empty log is cosigned, and one of an empty log with another root is not", async () => {
  const log = createTestLog();
  const witness = await openWitness(log);
  const { publicKey: _, sign } = makeSigner(log.origin);
  const wrong = signNote(`${log.origin}\n0\n${randomBytes(32).toString("base64")}\n`, parseVkey(log.vkey), sign);
  expect(await post(witness.url, formatSubmission(0, [], wrong))).toMatchObject({ status: 422 });
  expect(await isCosigned(await submit(witness.url, log, 0), log.head().note, witness.vkey)).toBe(true);
  log.grow(3);
  expect(await submit(witness.url, log, 0)).toMatchObject({ status: 200 });
});

test("a head that was cosigned is cosigned again with a proof of nothing, and stays the newest", async () => {
  const log = growTo(5);
  const witness = await openWitness(log);
  await submit(witness.url, log, 0);
  expect(await isCosigned(await submit(witness.url, log, 5), log.head().note, witness.vkey)).toBe(true);
});

test("a replayed request is answered with the size it no longer fits, and changes nothing", async () => {
  const log = growTo(9);
  const witness = await openWitness(log);
  await submit(witness.url, log, 0, log.head(4));
  await submit(witness.url, log, 4, log.head(9));
  for (const [old, size] of [
    [0, 4],
    [4, 9],
    [0, 9],
    [4, 7],
    [3, 9],
  ] as const) {
    const answer = await submit(witness.url, log, old, log.head(size));
    expect(answer).toEqual({ status: 409, type: "text/x.tlog.size", body: "9\n" });
  }
  expect(await submit(witness.url, log, 9, log.head(9))).toMatchObject({ status: 200 });
});

test("two heads of one size are never both cosigned, in whatever order and at the same time", async () => {
  const log = growTo(10);
  const witness = await openWitness(log);
  await submit(witness.url, log, 0, log.head(6));
  const other = log.fork(6);
  other.grow(4);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) => submit(witness.url, at % 2 === 0 ? log : other, 6)),
  );
  const signed = await Promise.all(
    answers.map(async (answer) => ({
      ours: await isCosigned(answer, log.head().note, witness.vkey),
      theirs: await isCosigned(answer, other.head().note, witness.vkey),
    })),
  );
  expect(signed.filter(({ ours }) => ours).length > 0 && signed.some(({ theirs }) => theirs)).toBe(false);
  const winner = signed.some(({ ours }) => ours) ? log : other;
  const loser = winner === log ? other : log;
  expect(await submit(witness.url, loser, 10)).toMatchObject({ status: 422 });
  expect(await submit(witness.url, loser, 6)).toMatchObject({ status: 409 });
  loser.grow(5);
  expect(await submit(witness.url, loser, 10)).toMatchObject({ status: 422 });
  winner.grow(5);
  expect(await submit(witness.url, winner, 10)).toMatchObject({ status: 200 });
});

test("a proof that is wrong, too long, too short or not empty from nothing is refused", async () => {
  const log = growTo(12);
  const witness = await openWitness(log);
  const { note } = log.head();
  const proof = await log.tools.prove(5, 12);
  expect(await post(witness.url, formatSubmission(0, proof, note))).toMatchObject({ status: 422 });
  await submit(witness.url, log, 0, log.head(5));
  const wrong = [
    proof.toReversed(),
    proof.slice(1),
    [...proof, proof[0]!],
    [],
    [randomBytes(32).toString("base64"), ...proof.slice(1)],
  ];
  for (const one of wrong)
    expect(await post(witness.url, formatSubmission(5, one, note))).toMatchObject({ status: 422 });
  expect(await post(witness.url, formatSubmission(5, proof, note))).toMatchObject({ status: 200 });
  expect(await post(witness.url, formatSubmission(12, proof, note))).toMatchObject({ status: 422 });
});

test("an unknown log is 404, one that did not sign 403, a false signature under a known name 403, a larger old size 400", async () => {
  const log = growTo(4);
  const witness = await openWitness(log);
  const { note } = log.head();
  const stranger = createTestLog("other.example/log");
  stranger.grow(1);
  expect(await submit(witness.url, stranger, 0)).toMatchObject({ status: 404 });
  const { text: checkpoint, signatures } = parseNote(note);
  const foreign = parseNote(stranger.head().note).signatures[0]!.line;
  expect(await post(witness.url, formatSubmission(0, [], `${checkpoint}\n${foreign}`))).toMatchObject({ status: 403 });
  const forged = parseNote(log.head(3).note).signatures[0]!.line;
  expect(await post(witness.url, formatSubmission(0, [], `${checkpoint}\n${forged}`))).toMatchObject({ status: 403 });
  expect(await post(witness.url, formatSubmission(0, [], `${note}${forged}`))).toMatchObject({ status: 403 });
  expect(await submit(witness.url, log, 5)).toMatchObject({ status: 400 });
  // Signatures of unknown keys are passed over, and not kept.
  expect(await post(witness.url, formatSubmission(0, [], `${note}${foreign}`))).toMatchObject({ status: 200 });
  expect(parseNote(await served(witness, log)).signatures.map(({ name }) => name)).toEqual([
    signatures[0]!.name,
    "witness.example/w1",
  ]);
});

test("extension lines of other logs are cosigned with the checkpoint", async () => {
  const log = growTo(2);
  const witness = await openWitness(log);
  const { sign } = makeSigner(log.origin);
  const note = signNote(`${parseNote(log.head().note).text}extra line\n`, parseVkey(log.vkey), sign);
  expect(await isCosigned(await post(witness.url, formatSubmission(0, [], note)), note, witness.vkey)).toBe(true);
});

test("a log is served as soon as its vkey stands in the file of logs, without a restart", async () => {
  const { path, remove } = makeFolder();
  const file = join(path, "logs");
  const [first, second] = [createTestLog("one.example/log"), createTestLog("two.example/log")];
  writeFileSync(file, `# logs\n\n${first.vkey}\n`);
  const witness = await startWitness(path, "--logs", file);
  onTestFinished(async () => {
    await witness.end("SIGKILL");
    remove();
  });
  for (const log of [first, second]) log.grow(2);
  expect(await submit(witness.url, first, 0)).toMatchObject({ status: 200 });
  expect(await submit(witness.url, second, 0)).toMatchObject({ status: 404 });
  appendFileSync(file, `nonsense\n${second.vkey}\n`);
  expect(await submit(witness.url, second, 0)).toMatchObject({ status: 200 });
});

/** The newest head that the witness shows of a log. */
async function served({ url }: { url: string }, log: TestLog): Promise<string> {
  return (await fetch(`${url}/${log.logId}/checkpoint`)).text();
}

test(
  "after kill -9 around an update, ten times over, no size is ever cosigned with two roots",
  { timeout: 120_000 },
  async () => {
    const { path, remove } = makeFolder();
    onTestFinished(remove);
    const log = growTo(1);
    const first = await startWitness(path, "--log", log.vkey);
    let cosigned = await appendUntilKilled(first, log, 0, 3);
    for (let round = 0; round < 10; round++) {
      const witness = await startWitness(path, "--log", log.vkey);
      const kept = parseCheckpoint(parseNote(await served(witness, log)).text).size;
      expect(kept).toBeGreaterThanOrEqual(cosigned);
      const fork = log.fork(kept - 1);
      fork.grow(2);
      expect(await submit(witness.url, fork, kept)).toMatchObject({ status: 422 });
      expect(await submit(witness.url, fork, kept, fork.head(kept))).toMatchObject({ status: 422 });
      cosigned = await appendUntilKilled(witness, log, kept, 10 + round);
    }
    expect(cosigned).toBeGreaterThan(100);
  },
);

/** Submits head after head, and kills the witness while it has the last of them. Answers the newest size it cosigned. */
async function appendUntilKilled(witness: RunningWitness, log: TestLog, from: number, count: number): Promise<number> {
  let old = from;
  for (let step = 1; ; step++) {
    while (log.size <= old) log.grow(1);
    const head = log.head(old + 1);
    const asked = submit(witness.url, log, old, head).catch(() => undefined);
    const killed = step === count ? witness.end("SIGKILL") : undefined;
    const answer = await asked;
    await killed;
    if (answer !== undefined && !(await isCosigned(answer, head.note, witness.vkey))) throw new Error(answer.body);
    if (answer !== undefined) old += 1;
    if (killed !== undefined) return old;
  }
}
