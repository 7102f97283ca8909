// A mint with many records in the log against one with none: the log is filled by the plug-in's own append, durably, in long lists.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { openBroker, scopeText } from "./broker.mjs";
import { importCore, importSqliteLog } from "./packages.mjs";
import { median, ratioRow, mostRow } from "./rows.mjs";

const inOneAppend = 1000;
const underWay = 4;

/** @typedef {import("./mint.mjs").Measure} Measure */

/**
 * Puts so many records into the log of a broker that is stopped.
 *
 * @param {string} data the broker's data folder
 * @param {string} url
 * @param {number} records
 */
export async function fillLog(data, url, records) {
  const [plugin, { newRecordId }] = await Promise.all([importSqliteLog(), importCore()]);
  const log = await plugin.create(
    { file: "log.db" },
    {
      name: "sqlite",
      publicUrl: url,
      dataDirectory: join(data, "audit-sqlite"),
      now: () => Date.now(),
      random: (size) => randomBytes(size),
      log: () => undefined,
      metric: () => undefined,
    },
  );
  const call = { requestId: "req_bench", signal: new AbortController().signal, deadline: Infinity };
  const makeEvent = () => {
    const time = Date.now();
    return {
      id: newRecordId(time, randomBytes(10)),
      time,
      type: 2,
      outcome: 1,
      account: "ef52cca30b09cd173a4926f0e3609f438d6197fb9e83ee358335b1e76002a6a9",
      agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
      issuer: "oidc",
      scope: scopeText,
      policy: "cd".repeat(32),
      grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
      credential: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
      validity: /** @type {const} */ ([1_764_000_000, 1_764_000_600]),
    };
  };
  let left = records;
  await Promise.all(
    Array.from({ length: underWay }, async () => {
      while (left > 0) {
        const size = Math.min(left, inOneAppend);
        left -= size;
        await log.append(Array.from({ length: size }, makeEvent), call);
      }
    }),
  );
  await log.close();
}

/**
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 * @param {{ pairs: number, records: number, say: (line: string) => void }} options
 * @param {(load: (measure: Measure) => Promise<import("./rows.mjs").Row[]>) => Promise<import("./rows.mjs").Row[]>} withLoad
 */
export async function benchLargeLog(children, folder, { pairs, records, say }, withLoad) {
  const empty = await openBroker(children, join(folder, "empty"));
  say(`filling a log with ${records} records`);
  const full = await openBroker(children, join(folder, "full"), {
    fill: (data, url) => fillLog(data, url, records),
  });
  return withLoad(async (measure) => {
    for (const target of [empty, full]) await measure("warm-up", target);
    const rounds = [];
    for (let round = 0; round < pairs; round++) {
      const first = round % 2 === 0;
      const before = first ? await measure("full", full) : await measure("empty", empty);
      const after = first ? await measure("empty", empty) : await measure("full", full);
      rounds.push(first ? { full: before, empty: after } : { full: after, empty: before });
    }
    const pick = (/** @type {"rate" | "perCpuSecond"} */ what) =>
      rounds.map((round) => ({ value: round.full[what], against: round.empty[what] }));
    const [p99, p99Empty] = [
      median(rounds.map((round) => round.full.p99)),
      median(rounds.map((round) => round.empty.p99)),
    ];
    const name = `mint with ${records} records against none`;
    return [
      ratioRow(name, "requests/s", pick("rate"), 0.9),
      ratioRow(name, "requests/CPU-s", pick("perCpuSecond")),
      mostRow(`${name}, p99`, "ms", p99, 1.25 * p99Empty, p99Empty),
    ];
  });
}
