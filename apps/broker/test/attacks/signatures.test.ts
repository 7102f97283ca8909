// Checking a signature is the dearest thing a stranger can ask for: he is turned away before it, not after.
import { Worker } from "node:worker_threads";
import { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Caller, openBroker, type Answer, type TestBroker } from "../flows/harness.ts";

let broker: TestBroker;
afterEach(() => broker.close());

/** A broker with one low limit, so that no other one turns anybody away. The test plays the proxy before it. */
async function openWith(limit: string): Promise<void> {
  broker = await openBroker(`trusted_proxies = ["127.0.0.0/8"]
[accounts]
sign_up = "open"
[limits]
${limit}
`);
}

// The plug-in runs as it is: what it sends to its recovery thread is counted on the way.
let recoveries = 0;
const post = Object.getOwnPropertyDescriptor(Worker.prototype, "postMessage") as PropertyDescriptor;
beforeAll(() => {
  const counting = new Proxy(post.value as Worker["postMessage"], {
    apply(send, worker, args: readonly unknown[]) {
      if (typeof args[0] === "object" && args[0] !== null && "signature" in args[0]) recoveries += 1;
      return Reflect.apply(send, worker, args);
    },
  });
  Object.defineProperty(Worker.prototype, "postMessage", { ...post, value: counting });
});
afterAll(() => Object.defineProperty(Worker.prototype, "postMessage", post));
beforeEach(() => {
  recoveries = 0;
});

const from = (address: string) => ({ "x-forwarded-for": address });
const finishPath = "/v1/auth/walletsig/finish";

interface Started {
  readonly caller: Caller;
  readonly right: object;
  readonly wrong: object;
}

/** Starts a sign-in; the right answer to it, and one by another key, which costs a recovery to be found out. */
async function start(source: string): Promise<Started> {
  const [wallet, other] = [Wallet.createRandom(), Wallet.createRandom()];
  const caller = await Caller.open(broker.url);
  const ask = { address: wallet.address, chain_id: 1 };
  const { body } = await caller.call("POST", "/v1/auth/walletsig/start", ask, from(source));
  const { challenge_id, message } = body as { challenge_id: string; message: string };
  const answer = async (key: { signMessage(text: string): Promise<string> }) => ({
    challenge_id,
    message,
    signature: await key.signMessage(message),
  });
  return { caller, right: await answer(wallet), wrong: await answer(other) };
}

const finish = (caller: Caller, body: object, source: string): Promise<Answer> =>
  caller.once("POST", finishPath, body, from(source));

test("a source whose answers are used up is turned away before its signature is looked at, right or wrong", async () => {
  await openWith("sign_ins = 4");
  const { caller, right, wrong } = await start("192.0.2.1");
  const answers: Answer[] = [];
  for (let at = 0; at < 6; at += 1) answers.push(await finish(caller, wrong, "192.0.2.1"));
  const refused = answers.filter(({ status }) => status === 401).length;
  expect(refused).toBeGreaterThan(0);
  expect(answers.slice(refused).map(({ status }) => status)).toEqual(Array(answers.length - refused).fill(429));
  expect(recoveries).toBe(refused);
  const last = await finish(caller, right, "192.0.2.1");
  expect(last).toMatchObject({ status: 429, body: { code: "ERR_REQUEST_RATE_LIMITED", retry: "later" } });
  expect(recoveries).toBe(refused);
  // The challenge is as it was: who is turned away has lost nothing, and a source of its own gets in.
  expect((await finish(caller, right, "192.0.2.2")).status).toBe(200);
  expect(recoveries).toBe(refused + 1);
});

test("bad signatures count as failures, also where each is the first answer to a sign-in of its own", async () => {
  const most = 3;
  await openWith(`failures = ${most}`);
  const source = "192.0.2.3";
  // Started from elsewhere, so that only what is refused counts against the source.
  for (let at = 0; at < most; at += 1) {
    const { caller, wrong } = await start(`198.51.100.${at}`);
    expect((await finish(caller, wrong, source)).body).toMatchObject({ status: 401, code: "ERR_AUTH_PROOF" });
  }
  expect(recoveries).toBe(most);
  const { caller, right } = await start("198.51.100.99");
  expect((await finish(caller, right, source)).body).toMatchObject({ code: "ERR_REQUEST_RATE_LIMITED" });
  expect(recoveries).toBe(most);
  expect((await finish(caller, right, "192.0.2.4")).status).toBe(200);
});
