import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Challenge } from "@agentkeys/core";
import { createCall, createFakeHost } from "@agentkeys/testkit";
import { AbiCoder, concat, Interface } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAnvil, type Anvil } from "./support/anvil.ts";
import { ada, grace, messageOf, openMethod, refusalOf, type OpenMethod } from "./support/sign-in.ts";

const magic = `0x${"6492".repeat(16)}`;
const wrongProof = "ERR_AUTH_PROOF: the signature is not by the address over this message";

let anvil: Anvil;
let opened: OpenMethod;

beforeAll(async () => {
  anvil = await openAnvil();
  opened = await openMethod({ chain_ids: [1, 10], rpc: { "1": anvil.url } });
});
afterAll(async () => {
  await opened.method.close();
  await anvil.close();
});

const start = (address: string, chain = 1, { method, host } = opened): Promise<Challenge> =>
  method.start({ address, chain_id: chain }, createCall(host));

const finish = (challenge: Challenge, signature: string, { method, host } = opened): Promise<unknown> =>
  method.finish({ challenge_id: challenge.id, message: messageOf(challenge), signature }, createCall(host));

const wrap = (factory: string, data: string, signature: string): string =>
  concat([new AbiCoder().encode(["address", "bytes", "bytes"], [factory, data, signature]), magic]);

describe("a contract wallet on a real chain", () => {
  it("proves eip155_contract by its owner's signature (ERC-1271), once, and a wrong one burns nothing", async () => {
    const wallet = await anvil.deploy("OwnedWallet", ["address"], [ada.address]);
    const challenge = await start(wallet);
    expect(await refusalOf(finish(challenge, await grace.signMessage(messageOf(challenge))))).toBe(wrongProof);
    const signature = await ada.signMessage(messageOf(challenge));
    expect(await refusalOf(finish(challenge, `${signature}00`))).toBe(wrongProof);
    expect(await finish(challenge, signature)).toEqual({
      challengeId: challenge.id,
      identity: { type: "eip155_contract", value: `1:${wallet}` },
      amr: ["erc1271"],
    });
    expect(await refusalOf(finish(challenge, signature))).toMatch(/^ERR_AUTH_CHALLENGE/u);
  });

  it("that is not there yet proves itself by its factory (ERC-6492), and nothing is deployed", async () => {
    const factory = await anvil.deploy("WalletFactory", [], []);
    const calls = new Interface([
      "function make(address) returns (address)",
      "function addressOf(address) view returns (address)",
    ]);
    const found = await anvil.provider.call({
      to: factory,
      data: calls.encodeFunctionData("addressOf", [ada.address]),
    });
    const wallet = `0x${found.slice(-40)}`;
    const make = calls.encodeFunctionData("make", [ada.address]);
    const challenge = await start(wallet);
    const bare = await ada.signMessage(messageOf(challenge));
    expect(await refusalOf(finish(challenge, bare))).toBe(wrongProof);
    const byGrace = await grace.signMessage(messageOf(challenge));
    expect(await refusalOf(finish(challenge, wrap(factory, make, byGrace)))).toBe(wrongProof);
    const makeHers = calls.encodeFunctionData("make", [grace.address]);
    expect(await refusalOf(finish(challenge, wrap(factory, makeHers, byGrace)))).toBe(wrongProof);
    expect(await refusalOf(finish(challenge, concat(["0x01", magic])))).toBe(wrongProof);
    expect(await finish(challenge, wrap(factory, make, bare))).toMatchObject({
      identity: { type: "eip155_contract", value: `1:${wallet}` },
    });
    expect(await anvil.provider.getCode(wallet)).toBe("0x");
  });

  it("that must be prepared first is prepared (ERC-6492)", async () => {
    const wallet = await anvil.deploy("SleepingWallet", ["address"], [ada.address]);
    const challenge = await start(wallet);
    const signature = await ada.signMessage(messageOf(challenge));
    expect(await refusalOf(finish(challenge, signature))).toBe(wrongProof);
    const wake = new Interface(["function wake()"]).encodeFunctionData("wake");
    expect(await refusalOf(finish(challenge, wrap(wallet, wake, signature)))).toBe("no error");
  });

  it("that says yes to everything proves nothing, nor does a precompile that gives back what it is given", async () => {
    const careless = await start(await anvil.deploy("CarelessWallet", [], []));
    expect(await refusalOf(finish(careless, "0x"))).toBe(wrongProof);
    const identity = `0x${"0".repeat(39)}4`;
    const echo = await start(identity);
    expect(await refusalOf(finish(echo, wrap(identity, "0x", "0x")))).toBe(wrongProof);
  });

  it("is not taken for its key's: an address with code is not proven by recovery alone", async () => {
    const code = await anvil.provider.getCode(await anvil.deploy("OwnedWallet", ["address"], [grace.address]));
    await anvil.provider.send("anvil_setCode", [ada.address, code]);
    const challenge = await start(ada.address);
    expect(await refusalOf(finish(challenge, await ada.signMessage(messageOf(challenge))))).toBe(wrongProof);
    await anvil.provider.send("anvil_setCode", [ada.address, "0x"]);
    expect(await finish(challenge, await ada.signMessage(messageOf(challenge)))).toMatchObject({
      identity: { type: "evm", value: ada.address.toLowerCase() },
    });
  });

  it("by delegation (EIP-7702) stays its key's", async () => {
    const target = await anvil.deploy("OwnedWallet", ["address"], [grace.address]);
    await anvil.provider.send("anvil_setCode", [ada.address, `0xef0100${target.slice(2)}`]);
    const challenge = await start(ada.address);
    expect(await refusalOf(finish(challenge, await grace.signMessage(messageOf(challenge))))).toBe(wrongProof);
    expect(await finish(challenge, await ada.signMessage(messageOf(challenge)))).toMatchObject({
      identity: { type: "evm" },
    });
    await anvil.provider.send("anvil_setCode", [ada.address, "0x"]);
  });

  it("is not taken on a chain without a node", async () => {
    const challenge = await start(ada.address, 10);
    const signature = await ada.signMessage(messageOf(challenge));
    expect(await refusalOf(finish(challenge, wrap(ada.address, "0x", signature)))).toBe(
      "ERR_AUTH_PROOF: contract wallets of chain 10 are not taken here",
    );
    expect(await refusalOf(finish(challenge, signature))).toBe("no error");
  });
});

/** A node in a test's hand: gives what `answer` says for a method, or nothing at all. */
async function openNode(
  answer: (method: string) => { status?: number; body: string } | undefined,
): Promise<[Server, string]> {
  const server = createServer((request, response) => {
    void (async () => {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      const given = answer((JSON.parse(text) as { method: string }).method);
      if (given === undefined) return;
      response.writeHead(given.status ?? 200).end(given.body);
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return [server, `http://127.0.0.1:${(server.address() as { port: number }).port}/secret-key`];
}

const result = (value: unknown): { body: string } => ({
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, result: value }),
});

describe("a node that", () => {
  const code = (method: string, call: { body: string }, chain = "0x1"): { body: string } =>
    method === "eth_chainId" ? result(chain) : method === "eth_getCode" ? result("0x60") : call;
  it.each<[string, (method: string) => { status?: number; body: string } | undefined, string]>([
    [
      "is on another chain",
      (method) => code(method, result("0x01"), "0x2"),
      "ERR_AUTH_UNAVAILABLE: the node for chain 1 is on another chain",
    ],
    ["always says yes", (method) => code(method, result(`0x${"0".repeat(63)}1`)), wrongProof],
    [
      "says a short yes",
      (method) => code(method, result("0x01")),
      "ERR_AUTH_UNAVAILABLE: the node for chain 1 answered falsely",
    ],
    [
      "gives no result",
      (method) => code(method, { body: "{}" }),
      "ERR_AUTH_UNAVAILABLE: the node for chain 1 answered falsely",
    ],
    ["gives garbage", () => ({ body: "<html>" }), "ERR_AUTH_UNAVAILABLE: the node for chain 1 answered falsely"],
    ["has enough", () => ({ status: 429, body: "" }), "ERR_AUTH_UNAVAILABLE: the node for chain 1 answered 429"],
    [
      "says too much",
      () => ({ body: "0".repeat(100_000) }),
      "ERR_AUTH_UNAVAILABLE: the node for chain 1 could not be reached",
    ],
    ["never answers", () => undefined, "ERR_AUTH_UNAVAILABLE: the node for chain 1 did not answer in time"],
  ])("%s lets nobody in, and its URL is not told", async (_what, answer, refusal) => {
    const [server, url] = await openNode(answer);
    const host = createFakeHost({ secrets: { RPC: url } });
    const open = await openMethod({ rpc: { "1": { env: "RPC" } } }, host);
    const challenge = await start(ada.address, 1, open);
    expect(await refusalOf(finish(challenge, await ada.signMessage(messageOf(challenge)), open))).toBe(refusal);
    expect(JSON.stringify(host.logs)).not.toContain("secret-key");
    await open.method.close();
    server.closeAllConnections();
    server.close();
  });
});
