import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Call, PluginHost } from "@agentkeys/core";
import * as v from "valibot";
import { unavailable } from "./refusal.ts";
import { signatureValidatorCode } from "./signature-validator.ts";

/**
 * What stands at an address of a chain: nothing, so that only a key can speak for it; a delegation (EIP-7702), whose key keeps all
 * power over the account while the code it names may speak too; or a contract.
 */
export type AccountKind = "key" | "delegated" | "contract";

/** Longest time that everything asked for one sign-in may take, in milliseconds: the caller's own deadline is later. */
const rpcDeadline = 5000;
const maxBytes = 65_536;

const answerForm = v.union([
  v.object({ jsonrpc: v.literal("2.0"), id: v.literal(1), result: v.pipe(v.string(), v.regex(/^0x[0-9a-f]*$/iu)) }),
  v.object({ jsonrpc: v.literal("2.0"), id: v.literal(1), error: v.object({ code: v.number(), message: v.string() }) }),
]);

/** The one result that is no fault of the node: the code it ran gave up. */
const reverted = "reverted";

/**
 * One EVM chain, asked by JSON-RPC. Whatever is wrong with the node (down, slow, 429, another chain, no JSON, no result) is
 * ERR_AUTH_UNAVAILABLE, without the URL, which may hold a key.
 */
export class Chain {
  readonly #id: number;
  readonly #url: string;
  readonly #host: PluginHost;

  constructor(id: number, url: string, host: PluginHost) {
    this.#id = id;
    this.#url = url;
    this.#host = host;
  }

  /** What stands at a lower-case address in the newest block. */
  async findKind(address: string, { signal }: Call): Promise<AccountKind> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(rpcDeadline)]);
    const [code] = await Promise.all([
      this.#ask("eth_getCode", [address, "latest"], within),
      this.assertIsChain(within),
    ]);
    if (code === reverted) throw this.#fault("answered falsely");
    if (code === "0x") return "key";
    return /^0xef0100[0-9a-f]{40}$/iu.test(code) ? "delegated" : "contract";
  }

  /**
   * True when the account holds the signature for one over the text as a personal message (EIP-191): by ERC-1271, and for a wallet
   * that is not there yet, or not ready, by ERC-6492. Nothing is deployed. The chain has to be known as this one
   * ({@link findKind}).
   */
  async isSignature(address: string, text: string, signature: string, { signal }: Call): Promise<boolean> {
    const digest = personalDigest(text);
    const data = signatureValidatorCode + encodeArguments(address, digest, signature);
    const within = AbortSignal.any([signal, AbortSignal.timeout(rpcDeadline)]);
    const answer = await this.#ask("eth_call", [{ data }, "latest"], within);
    if (answer === reverted) return false;
    if (!/^0x[0-9a-f]{64}$/iu.test(answer)) throw this.#fault("answered falsely");
    const yes = keccak_256(hexToBytes(word(this.#id.toString(16)) + word(address.slice(2)) + bytesToHex(digest)));
    return answer.toLowerCase() === `0x${bytesToHex(yes)}`;
  }

  /** Throws unless the node says that it is on this chain. */
  async assertIsChain(signal: AbortSignal): Promise<void> {
    const answer = await this.#ask("eth_chainId", [], signal);
    // A quantity has no leading zeros, but a node that writes some is on the same chain.
    if (!/^0x[0-9a-f]+$/iu.test(answer) || BigInt(answer) !== BigInt(this.#id))
      throw this.#fault("is on another chain");
  }

  async #ask(method: string, params: readonly unknown[], signal: AbortSignal): Promise<string> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "content-type": "application/json" };
    const answer = await this.#host
      .fetch(this.#url, { method: "POST", headers, body, signal, maxBytes })
      // What was thrown may quote the URL.
      .catch(() => this.#fault(signal.aborted ? "did not answer in time" : "could not be reached"));
    if (answer instanceof Error) throw answer;
    if (answer.status !== 200) throw this.#fault(`answered ${answer.status}`);
    const parsed = v.safeParse(answerForm, parseJson(answer.body));
    if (!parsed.success) throw this.#fault("answered falsely");
    if ("result" in parsed.output) return parsed.output.result;
    // Code 3 where nodes agree, the word where they do not.
    const { code, message } = parsed.output.error;
    if (method === "eth_call" && (code === 3 || /revert/iu.test(message))) return reverted;
    throw this.#fault(`refused ${method}`);
  }

  #fault(what: string): Error {
    return unavailable(this.#host.name, `the node for chain ${this.#id} ${what}`);
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

/** The digest of a personal message (EIP-191, version 0x45). */
function personalDigest(text: string): Uint8Array {
  const bytes = utf8ToBytes(text);
  return keccak_256(concatBytes(utf8ToBytes(`\u0019Ethereum Signed Message:\n${bytes.length}`), bytes));
}

/** `(address, bytes32, bytes)` by the contract ABI, as hex. */
function encodeArguments(address: string, digest: Uint8Array, signature: string): string {
  const hex = signature.slice(2);
  const padded = hex.padEnd(Math.ceil(hex.length / 64) * 64, "0");
  return word(address.slice(2)) + bytesToHex(digest) + word("60") + word((hex.length / 2).toString(16)) + padded;
}

function word(hex: string): string {
  return hex.padStart(64, "0");
}
