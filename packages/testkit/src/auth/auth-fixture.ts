import type { Challenge, Identity, Json, PageRequest } from "@agentkeys/core";
import type { PluginFixture } from "../plugin-fixture.ts";

/** Somebody with an identity: what they ask for, who they are, how they answer. */
export interface AuthPerson {
  /** Body of `/v1/auth/{method}/start`, as this person would send it. */
  readonly ask: Json;
  /** What a right proof must give, canonical. */
  readonly identity: Identity;
  /**
   * This person's true answer, the body of `/finish`: signs what the challenge says, or fishes the link from the mailbox. Asked
   * for directly after the `start` that made the challenge. It is also asked for challenges made for the other person, to be
   * refused: then it gives the best attempt (the other key's signature, a made-up token).
   */
  prove(challenge: Challenge): Json | Promise<Json>;
}

/**
 * An auth plug-in under test.
 *
 * @example
 * const fixture: AuthFixture = {
 *   plugin: walletsig,
 *   config: { chain_ids: [1] },
 *   people: [personWith(walletA), personWith(walletB)],
 *   wrongProofs: (challenge) => [{ challenge_id: challenge.id, message: challenge.public.message, signature: "0x00" }],
 *   withId: (answer, id) => ({ ...answer, challenge_id: id }),
 * };
 */
export interface AuthFixture extends PluginFixture<"auth"> {
  /** Two people with different identities. */
  readonly people: readonly [AuthPerson, AuthPerson];
  /** Well-formed answers to the challenge that prove nothing: a flipped signature, another message, a made-up token. */
  wrongProofs(challenge: Challenge): readonly Json[] | Promise<readonly Json[]>;
  /**
   * The answer with another challenge's id in place of its own, to try the proof of one challenge on another. Left out where an
   * answer names no challenge (a link's token does not).
   */
  withId?(answer: Json, challengeId: string): Json;
  /** Bodies of `start` that must be refused as malformed, beside those the kit makes: another alphabet, a bad checksum. */
  readonly malformedAsks?: readonly Json[];
  /** Answers that must be refused as malformed, beside those the kit makes. */
  malformedAnswers?(challenge: Challenge, answer: Json): readonly Json[];
  /**
   * What a browser requests for this challenge on the way to its confirm page, in order; the last one must be answered by a
   * confirm page, unless it redirects. Needed where the plug-in has pages.
   */
  browse?(challenge: Challenge, answer: Json): readonly PageRequest[] | Promise<readonly PageRequest[]>;
  /** Texts of the messages this person was sent so far, decoded. Needed where the method writes to people. */
  inbox?(person: AuthPerson): readonly string[] | Promise<readonly string[]>;
}
