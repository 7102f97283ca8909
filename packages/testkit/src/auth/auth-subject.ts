import type { Challenge, ErrorCode, Json, ProvenIdentity, UserAuthMethod } from "@agentkeys/core";
import { check } from "../expect.ts";
import { defineCase, type Subject } from "../subject.ts";
import type { AuthFixture, AuthPerson } from "./auth-fixture.ts";

/** An auth method opened for one case. */
export type AuthSubject = Subject<AuthFixture, UserAuthMethod>;

/** A sign-in under way: the person, the challenge, and the person's true answer. */
export interface SignIn {
  readonly person: AuthPerson;
  readonly challenge: Challenge;
  readonly answer: Json;
}

/** Defines a case of the auth contract. */
export const defineAuthCase: typeof defineCase<AuthFixture, UserAuthMethod> = defineCase<AuthFixture, UserAuthMethod>;

/** Starts a sign-in of one of the two people and makes their true answer at once. */
export async function begin(subject: AuthSubject, who: 0 | 1 = 0, instance = subject.instance): Promise<SignIn> {
  const person = subject.fixture.people[who];
  const challenge = await instance.start(person.ask, subject.call());
  return { person, challenge, answer: await person.prove(challenge) };
}

/** Fails the case unless the true answer proves the person's identity under the challenge's id. */
export async function expectSignIn(
  subject: AuthSubject,
  { person, challenge, answer }: SignIn,
  instance = subject.instance,
): Promise<ProvenIdentity> {
  const proven = await instance.finish(answer, subject.call());
  check(proven.challengeId === challenge.id, "the proven identity names another challenge");
  const { type, value } = proven.identity;
  const expected = person.identity;
  check(
    type === expected.type && value === expected.value,
    `it proves ${type} ${value}, not ${expected.type} ${expected.value}`,
  );
  return proven;
}

/** How a proof that does not hold is refused. A link's token names no challenge, so a false one is an unknown one. */
export function falseProofCodes({ fixture }: AuthSubject): readonly ErrorCode[] {
  const isOutOfBand = fixture.plugin.capabilities.includes("out_of_band");
  return isOutOfBand ? ["ERR_AUTH_PROOF", "ERR_AUTH_CHALLENGE"] : ["ERR_AUTH_PROOF"];
}
