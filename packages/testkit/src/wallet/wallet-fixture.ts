import type { Challenge, Json, WalletHandle } from "@agentkeys/core";
import type { PluginFixture } from "../plugin-fixture.ts";

/** A wallet in the hand of a person: what is asked to bind it, what comes of it, how it answers. */
export interface TestWallet {
  /** Body of `/v1/wallets/start`, as the wallet's owner would send it. */
  readonly ask: Json;
  /** What binding it must give, canonical. */
  readonly handle: WalletHandle;
  /** The owner's true answer, the body of `/v1/wallets/finish`. Asked for the other wallet's challenges too, to be refused. */
  prove(challenge: Challenge): Json | Promise<Json>;
}

/**
 * A wallet plug-in under test. The kit names the accounts.
 *
 * @example
 * const fixture: WalletFixture = {
 *   plugin: keystore,
 *   config: {},
 *   wallets: [walletOf(keyA), walletOf(keyB)],
 *   wrongProofs: (challenge) => [{ challenge_id: challenge.id, signature: `0x${"11".repeat(65)}` }],
 *   withId: (answer, id) => ({ ...answer, challenge_id: id }),
 * };
 */
export interface WalletFixture extends PluginFixture<"wallet"> {
  /** Two wallets with different addresses. */
  readonly wallets: readonly [TestWallet, TestWallet];
  /** Well-formed answers to the challenge that prove nothing. */
  wrongProofs(challenge: Challenge): readonly Json[] | Promise<readonly Json[]>;
  /** The answer with another challenge's id in place of its own. */
  withId(answer: Json, challengeId: string): Json;
  /** Bodies of `start` that must be refused as malformed, beside those the kit makes. */
  readonly malformedAsks?: readonly Json[];
}
