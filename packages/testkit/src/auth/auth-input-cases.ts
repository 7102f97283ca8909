import type { ErrorCode, Json } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectEnd, expectRefusal, isPlainJson, isSameJson } from "../expect.ts";
import { hostileBodies, isPolluted, spoilBody } from "../hostile-json.ts";
import { expectEndOfAborted, expectMalformed, showBody } from "../input.ts";
import { expectNoSecrets, proofsIn } from "../keeping-secrets.ts";
import type { AuthFixture } from "./auth-fixture.ts";
import { begin, defineAuthCase as define, expectSignIn } from "./auth-subject.ts";

const refused: readonly ErrorCode[] = ["ERR_REQUEST_MALFORMED", "ERR_AUTH_CHALLENGE", "ERR_AUTH_PROOF"];

/** What comes in, what is shown, and what happens when the far side fails. */
export const authInputCases: readonly ConformanceCase<AuthFixture>[] = [
  define("AUTH-12", "a malformed ask is ERR_REQUEST_MALFORMED, never a crash", async (subject) => {
    const { fixture, instance, call } = subject;
    const { ask } = fixture.people[0];
    const bodies = [...hostileBodies, ...(fixture.malformedAsks ?? [])].filter((body) => !isSameJson(body, ask));
    for (const body of bodies) await expectMalformed(instance.start(body, call()), showBody(body));
    for (const { value, what, isLacking } of spoilBody(ask))
      await expectMalformed(instance.start(value, call()), what, { mayBeTaken: isLacking });
    check(!isPolluted(), "a body changed what every object inherits");
  }),
  define(
    "AUTH-13",
    "a malformed answer is ERR_REQUEST_MALFORMED, never a crash, and burns nothing",
    async (subject) => {
      const { fixture, instance, call } = subject;
      const signIn = await begin(subject);
      const { challenge, answer } = signIn;
      const bodies = [...hostileBodies, ...(fixture.malformedAnswers?.(challenge, answer) ?? [])];
      for (const body of bodies) await expectMalformed(instance.finish(body, call()), showBody(body));
      for (const { value, what } of spoilBody(answer))
        await expectMalformed(instance.finish(value, call()), what, { codes: refused });
      check(!isPolluted(), "a body changed what every object inherits");
      await expectSignIn(subject, signIn);
    },
  ),
  define("AUTH-14", "what the starter is shown is plain JSON and does not prove the identity", async (subject) => {
    const { challenge, answer } = await begin(subject);
    const { public: shown, id } = challenge;
    check(isPlainJson(shown), "public is not plain JSON");
    const names = Object.keys(shown);
    check(
      names.every((name) => /^[a-z][a-z0-9_]*$/u.test(name)),
      "a member of public is not in snake_case",
    );
    const taken = ["challenge_id", "expires_at", "poll_token", "user_code"];
    check(!names.some((name) => taken.includes(name)), "a member of public has a name that the host uses");
    check(proofsIn(answer, [shown, id]).length > 0, "the starter is shown everything that the answer holds");
  }),
  define("AUTH-15", "no proof and no secret stands in a log line, a metric or an error", async (subject) => {
    const { fixture, host, instance, call } = subject;
    const signIn = await begin(subject);
    const { challenge, answer, person } = signIn;
    const wrong = await fixture.wrongProofs(challenge);
    const lacking = spoilBody(answer).map(({ value }) => value);
    const errors: unknown[] = [];
    const tryOut = async (body: Json): Promise<void> => {
      await instance.finish(body, call()).catch((error: unknown) => errors.push(error));
    };
    for (const body of [...wrong, [answer], { extra: answer }, ...lacking]) await tryOut(body);
    await expectSignIn(subject, signIn);
    await tryOut(answer);
    const proofs = [answer, ...wrong].flatMap((body) => proofsIn(body, [challenge.public, challenge.id, person.ask]));
    const secrets = [...proofs, ...Object.values(fixture.host?.secrets ?? {})];
    check(proofs.length > 0, "the answer holds nothing to keep secret");
    expectNoSecrets(secrets, [...host.logs, ...host.metrics], "a log line or metric");
    expectNoSecrets(secrets, errors, "an error");
  }),
  define("AUTH-16", "a call that is aborted ends at once", async (subject) => {
    const { fixture, instance, call } = subject;
    const { answer } = await begin(subject);
    const aborted = AbortSignal.abort();
    const started = await expectEnd(
      instance.start(fixture.people[1].ask, call({ signal: aborted })),
      "an aborted start",
    );
    const finished = await expectEnd(instance.finish(answer, call({ signal: aborted })), "an aborted finish");
    for (const ended of [started, finished]) expectEndOfAborted(ended);
  }),
  define("AUTH-17", "a far side that hangs ends with the call", async (subject) => {
    const { fixture, instance, call } = subject;
    if (fixture.farSide === undefined) return;
    await fixture.farSide.hang();
    const { ask } = fixture.people[0];
    const late = await expectEnd(instance.start(ask, call({ timeout: 500 })), "a start past its deadline", 2500);
    expectEndOfAborted(late);
    const gone = new AbortController();
    const start = instance.start(ask, call({ signal: gone.signal }));
    setTimeout(() => gone.abort(), 100);
    expectEndOfAborted(await expectEnd(start, "a start whose caller is gone"));
  }),
  define("AUTH-18", "a far side that is down is ERR_AUTH_UNAVAILABLE, and passes", async (subject) => {
    const { fixture, instance, call } = subject;
    if (fixture.farSide === undefined) {
      check(subject.host.requests.length === 0, "it fetches, but the fixture has no far side to break");
      return;
    }
    await fixture.farSide.down();
    const ended = await expectEnd(
      instance.start(fixture.people[0].ask, call({ timeout: 2000 })),
      "a start with the far side down",
      4000,
    );
    if (ended.status === "rejected")
      await expectRefusal(
        Promise.reject(ended.reason as Error),
        ["ERR_AUTH_UNAVAILABLE"],
        "a start with the far side down",
      );
    await fixture.farSide.up();
    await expectSignIn(subject, await begin(subject));
  }),
];
