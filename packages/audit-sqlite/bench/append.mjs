// Group commit against one commit per record. Both sides are the built log with the same callers, events, encoding, receipts and
// storage; the one side's thread may take only one caller into a transaction. Short rounds of the two take turns, medians are told.
// Run after a build: node bench/append.mjs [--seconds N]. One JSON row a line.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newRecordId } from "@agentkeys/core";
import { openLog } from "../dist/open-log.js";

const rounds = 5;
const given = process.argv.indexOf("--seconds");
const milliseconds = (given < 0 ? 2 : Number(process.argv[given + 1])) * 1000;

/** A log in a folder of its own, and a round of appends to it. */
async function openSubject(mostPerCommit) {
  const folder = mkdtempSync(join(tmpdir(), "agentkeys-bench-"));
  const host = {
    publicUrl: "https://keys.example",
    dataDirectory: folder,
    now: () => Date.now(),
    random: (size) => randomBytes(size),
    log: (level, event, fields) => console.error(level, event, fields),
  };
  const log = await openLog({ file: "log.db" }, host, mostPerCommit);
  const close = async () => {
    await log.close();
    rmSync(folder, { recursive: true });
  };
  return { append: (events) => log.append(events, makeCall()), close };
}

const never = new AbortController().signal;
const makeCall = () => ({ requestId: "req_bench", signal: never, deadline: Infinity });

const makeEvent = () => ({
  id: newRecordId(Date.now(), randomBytes(10)),
  time: Date.now(),
  type: 2,
  outcome: 1,
  account: "ef52cca30b09cd173a4926f0e3609f438d6197fb9e83ee358335b1e76002a6a9",
  agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
  wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
  issuer: "oidc",
  scope: '{"actions":["token"],"resources":["https://api.example.com"]}',
  policy: "cd".repeat(32),
  grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
  credential: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
  validity: [1_764_000_000, 1_764_000_600],
});

async function measure({ append }, callers) {
  const times = [];
  const start = performance.now();
  const end = start + milliseconds;
  const work = async () => {
    for (let at = performance.now(); at < end; at = performance.now()) {
      await append([makeEvent()]);
      times.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: callers }, work));
  const rate = (times.length / (performance.now() - start)) * 1000;
  return { rate, p99: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (value) => Math.round(value * 100) / 100;
const say = (row) => console.log(JSON.stringify(row));

const group = await openSubject(1024);
const single = await openSubject(1);
await measure(group, 16);
await measure(single, 16);
for (const [callers, bar] of [
  [16, 4],
  [256, 8],
]) {
  const found = { group: [], single: [] };
  for (let turn = 0; turn < rounds; turn++) {
    found.single.push(await measure(single, callers));
    found.group.push(await measure(group, callers));
  }
  const value = median(found.group.map(({ rate }) => rate));
  const against = median(found.single.map(({ rate }) => rate));
  const ratio = median(found.group.map(({ rate }, turn) => rate / found.single[turn].rate));
  say({
    name: `durable append, ${callers} callers`,
    value: round(value),
    unit: "records/s",
    against: round(against),
    ratio: round(ratio),
    bar,
    ok: ratio >= bar,
  });
  const p99 = median(found.group.map((one) => one.p99));
  const slow = median(found.single.map((one) => one.p99));
  // The design bounds the wait of 16 callers alone.
  const most = callers === 16 ? 5 : null;
  say({
    name: `durable append p99, ${callers} callers`,
    value: round(p99),
    unit: "ms",
    against: round(slow),
    ratio: round(p99 / slow),
    bar: most,
    ok: most === null || p99 < most,
  });
}
await group.close();
await single.close();
