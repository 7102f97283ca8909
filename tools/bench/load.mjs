// The load, a process of its own: told a target, answers what it measured. Every request has a new DPoP proof; a sample of the
// receipts is verified afterwards.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds } from "./children.mjs";
import { Connection } from "./connection.mjs";
import { importLog } from "./packages.mjs";
import { hashToken, ProofKey } from "./proof.mjs";

/**
 * What to load: `authorization` and `pem` of each caller; `rate` in requests a second, else as many as are answered.
 * `vkey` is the key that receipts must be under, where there are receipts.
 *
 * @typedef {{ origin: string, path: string, pid: number, contentType: string, body: string, vkey?: string,
 *   callers: { authorization: string, pem: string, agent: string }[], scope: string }} Target
 * @typedef {{ target: Target, connections: number, warmUp: number, seconds: number, rate?: number }} Order
 * @typedef {{ rate: number, perCpuSecond: number, p50: number, p99: number, count: number, receipts: number }} Measured
 */

const { parseReceipt, parseVkey, verifyReceipt } = await importLog();
const sampleEvery = 50;
const mostSampled = 400;

process.on("message", (/** @type {Order} */ order) => {
  run(order).then(
    (measured) => process.send?.({ measured }),
    (/** @type {unknown} */ error) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
  );
});
process.on("disconnect", () => process.exit());
process.stdout.write("ready\n");

/** @returns {Promise<Measured>} */
async function run(/** @type {Order} */ { target, connections, warmUp, seconds, rate }) {
  const all = await Promise.all(Array.from({ length: connections }, () => Connection.open(portOf(target))));
  try {
    const callers = target.callers.map((caller) => new Caller(target, caller));
    const phase = (/** @type {number} */ length) => load(all, callers, length * 1000, rate);
    await phase(warmUp);
    const [cpu, started] = [cpuSeconds(target.pid), performance.now()];
    const { times, sample } = await phase(seconds);
    const [cpuUsed, elapsed] = [cpuSeconds(target.pid) - cpu, (performance.now() - started) / 1000];
    if (target.vkey !== undefined) await verifyAll(target.vkey, sample);
    times.sort((a, b) => a - b);
    const quantile = (/** @type {number} */ part) => times[Math.floor(times.length * part)] ?? NaN;
    return {
      rate: times.length / elapsed,
      perCpuSecond: times.length / cpuUsed,
      p50: quantile(0.5),
      p99: quantile(0.99),
      count: times.length,
      receipts: target.vkey === undefined ? 0 : sample.length,
    };
  } finally {
    for (const one of all) one.close();
  }
}

/**
 * Keeps every connection busy, or begins requests at a steady rate; then a request's time counts from when it was due.
 *
 * @param {Connection[]} connections
 * @param {Caller[]} callers
 * @param {number} milliseconds
 * @param {number | undefined} rate
 */
async function load(connections, callers, milliseconds, rate) {
  /** @type {number[]} */
  const times = [];
  /** @type {{ body: string, agent: string, scope: string }[]} */
  const sample = [];
  const started = performance.now();
  let begun = 0;
  await Promise.all(
    connections.map(async (connection, at) => {
      const caller = /** @type {Caller} */ (callers[at % callers.length]);
      for (;;) {
        const due = rate === undefined ? performance.now() : started + (begun++ * 1000) / rate;
        if (due - started >= milliseconds) return;
        const early = due - performance.now();
        if (early > 0) await sleep(early);
        const body = await caller.call(connection);
        times.push(performance.now() - due);
        if (times.length % sampleEvery === 0 && sample.length < mostSampled) {
          sample.push({ body, agent: caller.agent, scope: caller.target.scope });
        }
      }
    }),
  );
  return { times, sample };
}

class Caller {
  /**
   * @param {Target} target
   * @param {Target["callers"][number]} caller
   */
  constructor(target, { authorization, pem, agent }) {
    this.target = target;
    this.agent = agent;
    this.key = ProofKey.fromPem(pem);
    this.claims = {
      htm: "POST",
      htu: target.origin + target.path,
      ...(authorization.startsWith("DPoP ") ? { ath: hashToken(authorization.slice(5)) } : {}),
    };
    this.start = `POST ${target.path} HTTP/1.1\r\nhost: ${new URL(target.origin).host}\r\nauthorization: ${authorization}\r\n`;
    this.rest = `content-type: ${target.contentType}\r\ncontent-length: ${target.body.length}\r\n\r\n${target.body}`;
    this.prefix = randomBytes(12).toString("base64url");
    this.made = 0;
    this.nonce = "";
  }

  /** One request, once more with the nonce that is asked for. Throws unless it is answered well. */
  async call(/** @type {Connection} */ connection) {
    let answer = await this.#send(connection);
    if (answer.status !== 200 && /nonce/iu.test(answer.body)) answer = await this.#send(connection);
    if (answer.status !== 200) throw new Error(`${this.target.path} answered ${answer.status}: ${answer.body}`);
    return answer.body;
  }

  async #send(/** @type {Connection} */ connection) {
    const id = `${this.prefix}${this.made++}`;
    const iat = Math.floor(Date.now() / 1000);
    const proof = this.key.prove({
      ...this.claims,
      jti: id,
      iat,
      ...(this.nonce === "" ? {} : { nonce: this.nonce }),
    });
    const answer = await connection.send(`${this.start}dpop: ${proof}\r\nidempotency-key: ${id}\r\n${this.rest}`);
    this.nonce = /^dpop-nonce: (.+)$/imu.exec(answer.head)?.[1]?.trim() ?? this.nonce;
    return answer;
  }
}

/** Each receipt is of the very credential it came with. Throws otherwise. */
async function verifyAll(
  /** @type {string} */ vkey,
  /** @type {{ body: string, agent: string, scope: string }[]} */ sample,
) {
  const trust = { log: parseVkey(vkey) };
  for (const { body, agent, scope } of sample) {
    const { credential, receipt } = JSON.parse(body);
    const validity = /** @type {const} */ ([seconds(credential.issued_at), seconds(credential.expires_at)]);
    await verifyReceipt(parseReceipt(JSON.stringify(receipt)), trust, {
      agent,
      scope,
      credential: credential.id,
      validity,
    });
  }
}

const seconds = (/** @type {string} */ text) => Date.parse(text) / 1000;
const portOf = (/** @type {Target} */ target) => Number(new URL(target.origin).port);
