import { expectUnguessable } from "../unguessable.ts";
import { canonicalIdentity, type Json } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectRefusal, isSameJson } from "../expect.ts";
import type { AuthFixture } from "./auth-fixture.ts";
import { begin, defineAuthCase as define, expectSignIn, falseProofCodes } from "./auth-subject.ts";

/** What a challenge proves, and how often. */
export const authProofCases: readonly ConformanceCase<AuthFixture>[] = [
  define(
    "AUTH-01",
    "a true answer proves the identity, canonical, of a declared type, for its challenge",
    async (subject) => {
      for (const who of [0, 1] as const) {
        const { identity, amr } = await expectSignIn(subject, await begin(subject, who));
        const { type, value } = identity;
        check(subject.fixture.plugin.identityTypes.includes(type), `the identity type ${type} is not declared`);
        check(canonicalIdentity(type, value).value === value, "the identity is not in its canonical spelling");
        check(amr.length > 0 && amr.every((name) => /^[a-z0-9_.-]+$/u.test(name)), "amr is not a list of method names");
      }
    },
  ),
  define("AUTH-02", "sign-ins of two people at the same time do not mix", async (subject) => {
    const [one, other] = [await begin(subject, 0), await begin(subject, 1)];
    check(one.challenge.id !== other.challenge.id, "two challenges have one id");
    await Promise.all([expectSignIn(subject, other), expectSignIn(subject, one)]);
  }),
  define("AUTH-03", "a challenge proves once", async (subject) => {
    const signIn = await begin(subject);
    await expectSignIn(subject, signIn);
    await expectRefusal(
      subject.instance.finish(signIn.answer, subject.call()),
      ["ERR_AUTH_CHALLENGE"],
      "a used challenge",
    );
  }),
  define("AUTH-04", "of many true answers at the same moment exactly one proves", async (subject) => {
    const { answer } = await begin(subject);
    const other = await subject.open();
    const finish = async (_: unknown, at: number): Promise<boolean> => {
      const instance = at % 2 === 0 ? subject.instance : other;
      const [result] = await Promise.allSettled([instance.finish(answer, subject.call())]);
      if (result?.status === "fulfilled") return true;
      await expectRefusal(Promise.reject(result?.reason as Error), ["ERR_AUTH_CHALLENGE"], "the second of two answers");
      return false;
    };
    const won = await Promise.all(Array.from({ length: 16 }, finish));
    check(won.filter(Boolean).length === 1, `${won.filter(Boolean).length} of 16 answers at the same moment proved`);
  }),
  define("AUTH-05", "an unknown, a used and an expired challenge look alike", async (subject) => {
    const { instance, host, call } = subject;
    const lookOf = async (what: string, { answer }: Awaited<ReturnType<typeof begin>>): Promise<object> => {
      const refused = instance.finish(answer, call());
      const { message, facts } = await expectRefusal(refused, ["ERR_AUTH_CHALLENGE"], `${what} challenge`);
      return { message, facts };
    };
    const used = await begin(subject);
    await expectSignIn(subject, used);
    // Before its end: past it, it would be refused as expired.
    const looks = [await lookOf("a used", used)];
    const expired = await begin(subject);
    host.advance(expired.challenge.expiresAt - host.now());
    const elsewhere = await subject.open(subject.makeHost({ seed: "another" }));
    const unknown = await begin(subject, 1, elsewhere);
    looks.push(await lookOf("an unknown", unknown), await lookOf("an expired", expired));
    check(
      looks.every((look) => isSameJson(look, looks[0])),
      "the error tells an unknown from a used or expired challenge",
    );
  }),
  define("AUTH-06", "a false proof is refused, and does not burn the challenge", async (subject) => {
    const { fixture, instance, call } = subject;
    const signIn = await begin(subject);
    const proofs = await fixture.wrongProofs(signIn.challenge);
    check(proofs.length > 0, "the fixture has no wrong proof");
    for (const proof of proofs)
      await expectRefusal(instance.finish(proof, call()), falseProofCodes(subject), "a false proof");
    await expectSignIn(subject, signIn);
  }),
  define("AUTH-07", "a proof by another identity is refused, and does not burn the challenge", async (subject) => {
    const signIn = await begin(subject, 0);
    const stranger = subject.fixture.people[1];
    const answer = await stranger.prove(signIn.challenge);
    const attempt = subject.instance.finish(answer, subject.call());
    await expectRefusal(attempt, falseProofCodes(subject), "another identity's proof");
    await expectSignIn(subject, signIn);
  }),
  define("AUTH-08", "the proof of one challenge does not serve another", async (subject) => {
    const { fixture, instance, call } = subject;
    const isInBand = fixture.plugin.capabilities.includes("in_band");
    check(
      fixture.withId !== undefined || !isInBand,
      "an answer names its challenge: the fixture must say how, by withId",
    );
    const [one, other] = [await begin(subject), await begin(subject)];
    const moved: Json = fixture.withId?.(other.answer, one.challenge.id) ?? null;
    if (moved === null) return;
    await expectRefusal(instance.finish(moved, call()), falseProofCodes(subject), "another challenge's proof");
    await expectSignIn(subject, one);
    await expectSignIn(subject, other);
  }),
  define("AUTH-09", "a challenge holds until its end by the host's clock, and not a moment longer", async (subject) => {
    const { host, instance, call } = subject;
    const [kept, missed] = [await begin(subject, 0), await begin(subject, 1)];
    for (const { challenge } of [kept, missed]) {
      const lifetime = challenge.expiresAt - host.now();
      check(Number.isSafeInteger(challenge.expiresAt), "expiresAt is not in whole milliseconds");
      check(lifetime > 0 && lifetime <= 3_600_000, `a challenge lives ${lifetime} ms, not up to an hour`);
    }
    host.advance(kept.challenge.expiresAt - host.now() - 1000);
    await expectSignIn(subject, kept);
    host.advance(missed.challenge.expiresAt - host.now());
    await expectRefusal(instance.finish(missed.answer, call()), ["ERR_AUTH_CHALLENGE"], "an expired challenge");
  }),
  define("AUTH-10", "a challenge outlives the instance that made it", async (subject) => {
    const signIn = await begin(subject);
    await subject.instance.close();
    const next = await subject.open();
    await expectSignIn(subject, signIn, next);
    await expectRefusal(next.finish(signIn.answer, subject.call()), ["ERR_AUTH_CHALLENGE"], "a used challenge");
  }),
  define("AUTH-11", "a challenge's id has 128 unguessable bits of the host's randomness", async (subject) => {
    await expectUnguessable(subject, async (instance) => (await begin(subject, 0, instance)).challenge);
  }),
];
