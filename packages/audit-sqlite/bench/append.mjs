// Group commit against one commit per record. Both sides are the log itself with the same callers, events, encoding, receipts and
// storage; the one side's thread may take only one caller into a transaction. Short rounds of the two take turns, medians are told.
// node --conditions=agentkeys-source packages/audit-sqlite/bench/append.mjs [--seconds N]: one JSON row a line.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newRecordId } from "@agentkeys/core";
import { openLog } from "../src/open-log.ts";

const rounds = 5;
const given = process.argv.indexOf("--seconds");
const milliseconds = (given < 0 ? 2 : Number(process.argv[given + 1])) * 1000;
const call = { requestId: "req_bench", signal: new AbortController().signal, deadline: Infinity };

/**
 * A log in a folder of its own.
 * @param {number} mostPerCommit
 */
async function openSubject(mostPerCommit) {
  const folder = mkdtempSync(join(tmpdir(), "agentkeys-bench-"));
  const host = /** @type {import("@agentkeys/core").PluginHost} */ ({
    publicUrl: "https://keys.example",
    dataDirectory: folder,
    now: () => Date.now(),
    random: (size) => randomBytes(size),
  });
  const log = await openLog({ file: "log.db" }, host, mostPerCommit);
  const close = async () => {
    await log.close();
    rmSync(folder, { recursive: true });
  };
  return { append: () => log.append([makeEvent()], call), close };
}

function makeEvent() {
  const time = Date.now();
  return {
    id: newRecordId(time, randomBytes(10)),
    time,
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
    validity: /** @type {const} */ ([1_764_000_000, 1_764_000_600]),
  };
}

/**
 * Rate and 99th percentile of so many callers, each with one append under way.
 * @param {{ append: () => Promise<unknown> }} subject
 * @param {number} callers
 */
async function measure(subject, callers) {
  /** @type {number[]} */
  const times = [];
  const start = performance.now();
  const work = async () => {
    for (let at = start; at - start < milliseconds; at = performance.now()) {
      await subject.append();
      times.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: callers }, work));
  const rate = (times.length / (performance.now() - start)) * 1000;
  return { rate, p99: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN };
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** @param {{ name: string, value: number, unit: string, against: number, ratio: number, bar: number | null, ok: boolean }} row */
function say(row) {
  const [value, against, ratio] = [row.value, row.against, row.ratio].map((number) => Number(number.toFixed(2)));
  process.stdout.write(`${JSON.stringify({ ...row, value, against, ratio })}\n`);
}

const group = await openSubject(1024);
const single = await openSubject(1);
for (const subject of [group, single]) await measure(subject, 16);
for (const { callers, bar, mostP99 } of [
  { callers: 16, bar: 4, mostP99: 5 },
  { callers: 256, bar: 8, mostP99: null },
]) {
  const found = [];
  for (let turn = 0; turn < rounds; turn++) {
    found.push({ single: await measure(single, callers), group: await measure(group, callers) });
  }
  const ratio = median(found.map((turn) => turn.group.rate / turn.single.rate));
  const [value, against] = [
    median(found.map((turn) => turn.group.rate)),
    median(found.map((turn) => turn.single.rate)),
  ];
  say({ name: `durable append, ${callers} callers`, value, unit: "records/s", against, ratio, bar, ok: ratio >= bar });
  const [p99, slow] = [median(found.map((turn) => turn.group.p99)), median(found.map((turn) => turn.single.p99))];
  const ok = mostP99 === null || p99 < mostP99;
  say({
    name: `durable append p99, ${callers} callers`,
    value: p99,
    unit: "ms",
    against: slow,
    ratio: p99 / slow,
    bar: mostP99,
    ok,
  });
}
await group.close();
await single.close();
