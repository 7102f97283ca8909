// The main job under load: audited, against the same broker with a log that records nothing, and beside oidc-provider.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { openBroker } from "./broker.mjs";
import { freePort } from "./children.mjs";
import { ProofKey } from "./proof.mjs";
import { median, mostRow, ratioRow } from "./rows.mjs";

/** @typedef {{ pairs: number, seconds: number, connections: number, say: (line: string) => void }} Options */
/** @typedef {import("./load.mjs").Measured} Measured */
/** @typedef {import("./load.mjs").Target} Target */
/** @typedef {(name: string, target: Target, rate?: number, warmUp?: number) => Promise<Measured>} Measure */

/** Before anything counts, so that each server runs compiled code: in seconds. */
const firstWarmUp = 8;

/**
 * Lends a load of its own: `measure` runs it against a target and says what it found.
 *
 * @template Result
 * @param {import("./children.mjs").Children} children
 * @param {Options} options
 * @param {(measure: Measure) => Promise<Result>} use
 * @returns {Promise<Result>}
 */
export async function withLoad(children, { seconds, connections, say }, use) {
  const { child: load } = await children.start(join(import.meta.dirname, "load.mjs"));
  const result = await use(async (name, target, rate, warmUp = 0.5) => {
    const found = await order(load, {
      target,
      connections,
      warmUp,
      seconds,
      ...(rate === undefined ? {} : { rate }),
    });
    const { rate: perSecond, perCpuSecond, p50, p99, receipts } = found;
    say(
      `${name.padEnd(10)} ${rate === undefined ? "" : "paced "}${perSecond.toFixed(0)}/s, ${perCpuSecond.toFixed(0)} per CPU-second, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${receipts === 0 ? "" : `, ${receipts} receipts verified`}`,
    );
    return found;
  });
  await children.stop(load);
  return result;
}

/**
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 * @param {Options} options
 */
export async function benchMint(children, folder, options) {
  const subjects = {
    audited: await openBroker(children, join(folder, "audited")),
    unrecorded: await openBroker(children, join(folder, "unrecorded"), { isSilent: true }),
    other: await openProvider(children),
  };
  return withLoad(children, options, (measure) => compare(subjects, options.pairs, measure));
}

/**
 * @param {{ audited: Target, unrecorded: Target, other: Target }} subjects
 * @param {number} pairs
 * @param {Measure} run
 */
async function compare(subjects, pairs, run) {
  /**
   * @param {keyof typeof subjects} name
   * @param {number} [rate]
   * @param {number} [warmUp]
   */
  const measure = (name, rate, warmUp) => run(name, subjects[name], rate, warmUp);
  for (const name of /** @type {const} */ (["audited", "unrecorded", "other"]))
    await measure(name, undefined, firstWarmUp);
  /** @type {{ audited: Measured, unrecorded: Measured, other: Measured }[]} */
  const rounds = [];
  for (let round = 0; round < pairs; round++) {
    // Each goes first in turn, so that what one leaves behind falls on both.
    const [first, second] =
      round % 2 === 0
        ? /** @type {const} */ (["audited", "unrecorded"])
        : /** @type {const} */ (["unrecorded", "audited"]);
    const found = { [first]: await measure(first), [second]: await measure(second), other: await measure("other") };
    rounds.push(/** @type {typeof rounds[number]} */ (found));
  }
  const pick = (/** @type {"unrecorded" | "other"} */ against, /** @type {"rate" | "perCpuSecond"} */ what) =>
    rounds.map((round) => ({ value: round.audited[what], against: round[against][what] }));
  const half = median(rounds.map((round) => round.audited.rate)) / 2;
  const paced = [];
  for (let round = 0; round < pairs; round++) {
    paced.push({ audited: await measure("audited", half), unrecorded: await measure("unrecorded", half) });
  }
  const at = (/** @type {"p50" | "p99"} */ what) =>
    [
      median(rounds.map((round) => round.audited[what])),
      median(rounds.map((round) => round.unrecorded[what])),
    ].values();
  const [p50, p50Unrecorded = NaN] = at("p50");
  const [p99, p99Unrecorded = NaN] = at("p99");
  const halfP99 = median(paced.map((round) => round.audited.p99));
  const halfUnrecorded = median(paced.map((round) => round.unrecorded.p99));
  return [
    ratioRow("mint against no record", "requests/s", pick("unrecorded", "rate"), 0.85),
    ratioRow("mint against no record", "requests/CPU-s", pick("unrecorded", "perCpuSecond"), 0.75),
    ratioRow("mint against oidc-provider with DPoP", "requests/s", pick("other", "rate"), 1.6),
    ratioRow("mint against oidc-provider with DPoP", "requests/CPU-s", pick("other", "perCpuSecond"), 1.6),
    mostRow("mint p50, against no record", "ms", p50 ?? NaN, null, p50Unrecorded),
    mostRow("mint p99, against no record", "ms", p99 ?? NaN, null, p99Unrecorded),
    mostRow(`mint p99 at ${half.toFixed(0)}/s, against no record`, "ms", halfP99, halfUnrecorded + 10, halfUnrecorded),
  ];
}

/**
 * @param {import("node:child_process").ChildProcess} load
 * @param {import("./load.mjs").Order} wanted
 * @returns {Promise<Measured>}
 */
function order(load, wanted) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the load did not end in time")), 120_000);
    const settle = (/** @type {() => void} */ end) => {
      clearTimeout(timer);
      load.off("exit", onExit);
      end();
    };
    const onExit = () => settle(() => reject(new Error("the load ended by itself")));
    load.once("exit", onExit);
    load.once("message", (/** @type {{ measured?: Measured, error?: string }} */ { measured, error }) =>
      settle(() => (measured === undefined ? reject(new Error(error)) : resolve(measured))),
    );
    load.send(wanted);
  });
}

/** @returns {Promise<import("./load.mjs").Target>} */
async function openProvider(/** @type {import("./children.mjs").Children} */ children) {
  const port = await freePort();
  const [client, secret] = ["bench", randomBytes(24).toString("hex")];
  const { pid } = await children.start(join(import.meta.dirname, "oidc-provider.mjs"), [String(port), client, secret]);
  const authorization = `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}`;
  return {
    origin: `http://127.0.0.1:${port}`,
    path: "/token",
    pid,
    contentType: "application/x-www-form-urlencoded",
    body: "grant_type=client_credentials&scope=token",
    callers: Array.from({ length: 8 }, () => ({ authorization, pem: ProofKey.make().toPem(), agent: "" })),
    scope: "",
  };
}
