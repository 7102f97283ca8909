import { parseDuration, type StandardSchemaV1 } from "@agentkeys/core";
import * as v from "valibot";

/** The section `[auth.walletsig]`, checked. */
export interface WalletsigSettings {
  /** EIP-155 chain ids a sign-in message may name, at least one. */
  readonly chainIds: readonly number[];
  /** How long a challenge is good for. */
  readonly challengeSeconds: number;
}

/** Ethereum, OP Mainnet, Polygon, Base, Arbitrum One. */
const defaultChainIds = [1, 10, 137, 8453, 42_161];

const chainId = v.pipe(
  v.number(),
  v.safeInteger("expected an EIP-155 chain id"),
  v.minValue(1, "expected an EIP-155 chain id"),
);

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
  }),
  v.transform((value): WalletsigSettings => ({ chainIds: value.chain_ids, challengeSeconds: value.challenge_ttl })),
);
