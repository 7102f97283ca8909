import { parseDuration, type SecretReference, type StandardSchemaV1 } from "@agentkeys/core";
import * as v from "valibot";

/** A chain as a sign-in message names it: an EIP-155 chain id, or a Solana cluster such as `solana:mainnet`. */
export type ChainName = number | string;

/** The section `[auth.walletsig]`, checked. */
export interface WalletsigSettings {
  /** Chains a sign-in message may name, at least one. */
  readonly chainIds: readonly ChainName[];
  /** How long a challenge is good for. */
  readonly challengeSeconds: number;
  /** Where the chains that contract wallets are taken on are asked, by chain id: an http(s) URL or a reference to one. */
  readonly rpc: ReadonlyMap<number, string | SecretReference>;
}

/** Ethereum, OP Mainnet, Polygon, Base, Arbitrum One, Solana. */
const defaultChainIds: (number | "solana:mainnet")[] = [1, 10, 137, 8453, 42_161, "solana:mainnet"];

const expectedChain = 'expected an EIP-155 chain id, or a text such as "solana:mainnet"';

const chainId = v.union(
  [
    v.pipe(v.number(), v.safeInteger(expectedChain), v.minValue(1, expectedChain)),
    v.picklist(["solana:mainnet", "solana:testnet", "solana:devnet", "solana:localnet"]),
  ],
  expectedChain,
);

const words = v.pipe(v.string(), v.nonEmpty("expected text"), v.regex(/^\P{Cc}*$/u, "expected no control character"));

// Said by each part: a URL may hold a key, and valibot's own text quotes what it got.
const expectedUrl =
  'expected an http or https URL without user and fragment, or a reference { file = "…" } or { env = "…" } to one';

const rpcUrl = v.union(
  [v.pipe(v.string(), v.check(isRpcUrl, expectedUrl)), v.strictObject({ file: words }), v.strictObject({ env: words })],
  expectedUrl,
);

/** True for a URL that JSON-RPC can be posted to. Which addresses are reached is the host's to say. */
export function isRpcUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && username + password + hash === "";
}

/** The schema of `[auth.walletsig]`. Every key is optional; unknown keys are errors. */
export const config: StandardSchemaV1<unknown, WalletsigSettings> = v.pipe(
  v.strictObject({
    chain_ids: v.optional(
      v.pipe(
        v.array(chainId),
        v.check(
          (ids) => ids.length > 0 && new Set(ids).size === ids.length,
          "expected at least one chain id, and none twice",
        ),
      ),
      defaultChainIds,
    ),
    challenge_ttl: v.optional(
      v.pipe(
        v.string(),
        v.transform((value) => parseDuration(value) ?? 0),
        v.check(
          (seconds) => Number.isInteger(seconds) && seconds >= 60 && seconds <= 2700,
          'expected a duration from "1m" to "45m"',
        ),
      ),
      "10m",
    ),
    rpc: v.optional(v.record(v.string(), rpcUrl), {}),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { chain_ids: chains, rpc } = dataset.value;
    for (const key of Object.keys(rpc).filter(
      (name) => !chains.some((id) => typeof id === "number" && String(id) === name),
    ))
      addIssue({
        message: "expected a chain id of chain_ids",
        path: [
          { type: "object", origin: "value", input: dataset.value, key: "rpc", value: rpc },
          { type: "object", origin: "key", input: rpc, key, value: rpc[key] },
        ],
      });
  }),
  v.transform((value): WalletsigSettings => ({
    chainIds: value.chain_ids,
    challengeSeconds: value.challenge_ttl,
    rpc: new Map(Object.entries(value.rpc).map(([id, url]) => [Number(id), url])),
  })),
);
