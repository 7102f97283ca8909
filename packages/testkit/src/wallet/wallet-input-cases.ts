import type { ErrorCode, Json } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { expectUnguessable } from "../unguessable.ts";
import { check, expectEnd, expectRefusal, isPlainJson, isSameJson } from "../expect.ts";
import { hostileBodies, isPolluted, spoilBody } from "../hostile-json.ts";
import { expectEndOfAborted, expectMalformed, showBody } from "../input.ts";
import { expectNoSecrets, proofsIn } from "../keeping-secrets.ts";
import type { WalletFixture } from "./wallet-fixture.ts";
import { ada, begin, defineWalletCase as define, expectBound } from "./wallet-subject.ts";

const refused: readonly ErrorCode[] = ["ERR_REQUEST_MALFORMED", "ERR_WALLET_CHALLENGE", "ERR_WALLET_PROOF"];

/** What comes in and what is shown. */
export const walletInputCases: readonly ConformanceCase<WalletFixture>[] = [
  define("WAL-15", "a malformed ask is ERR_REQUEST_MALFORMED, never a crash", async (subject) => {
    const { fixture, instance, call } = subject;
    const { ask } = fixture.wallets[0];
    const bodies = [...hostileBodies, ...(fixture.malformedAsks ?? [])].filter((body) => !isSameJson(body, ask));
    for (const body of bodies) await expectMalformed(instance.start(ada, body, call()), showBody(body));
    for (const { value, what, isLacking } of spoilBody(ask))
      await expectMalformed(instance.start(ada, value, call()), what, { mayBeTaken: isLacking });
    check(!isPolluted(), "a body changed what every object inherits");
  }),
  define("WAL-16", "a malformed answer is ERR_REQUEST_MALFORMED, never a crash, and burns nothing", async (subject) => {
    const { instance, call } = subject;
    const binding = await begin(subject);
    for (const body of hostileBodies) await expectMalformed(instance.provision(ada, body, call()), showBody(body));
    for (const { value, what } of spoilBody(binding.answer))
      await expectMalformed(instance.provision(ada, value, call()), what, { codes: refused });
    check(!isPolluted(), "a body changed what every object inherits");
    await expectBound(subject, binding);
  }),
  define("WAL-17", "a challenge's id has 128 unguessable bits of the host's randomness", async (subject) => {
    await expectUnguessable(subject, async (instance) => (await begin(subject, ada, 0, instance)).challenge);
  }),
  define("WAL-18", "a challenge holds until its end by the host's clock, and not a moment longer", async (subject) => {
    const { host, instance, call } = subject;
    const [kept, missed] = [await begin(subject, ada, 0), await begin(subject, ada, 1)];
    const lifetime = kept.challenge.expiresAt - host.now();
    check(
      Number.isSafeInteger(lifetime) && lifetime > 0 && lifetime <= 3_600_000,
      "a challenge does not live up to an hour",
    );
    host.advance(lifetime - 1000);
    await expectBound(subject, kept);
    host.advance(missed.challenge.expiresAt - host.now());
    await expectRefusal(
      instance.provision(ada, missed.answer, call()),
      ["ERR_WALLET_CHALLENGE"],
      "an expired challenge",
    );
  }),
  define(
    "WAL-19",
    "what the starter is shown is plain JSON, and no signature stands in a log line or an error",
    async (subject) => {
      const { fixture, host, instance, call } = subject;
      const { challenge, answer, wallet } = await begin(subject);
      const { public: shown, id } = challenge;
      check(isPlainJson(shown), "public is not plain JSON");
      check(
        Object.keys(shown).every((name) => /^[a-z][a-z0-9_]*$/u.test(name)),
        "a member of public is not in snake_case",
      );
      check(!("challenge_id" in shown || "expires_at" in shown), "a member of public has a name that the host uses");
      const wrong = await fixture.wrongProofs(challenge);
      const proofs = [answer, ...wrong].flatMap((body) => proofsIn(body, [shown, id, wallet.ask, wallet.handle]));
      check(proofs.length > 0, "the starter is shown everything that the answer holds");
      const errors: unknown[] = [];
      const bodies: readonly Json[] = [
        ...wrong,
        [answer],
        ...spoilBody(answer).map(({ value }) => value),
        answer,
        answer,
      ];
      for (const body of bodies)
        await instance.provision(ada, body, call()).catch((error: unknown) => errors.push(error));
      const secrets = [...proofs, ...Object.values(fixture.host?.secrets ?? {})];
      expectNoSecrets(secrets, [...host.logs, ...host.metrics], "a log line or metric");
      expectNoSecrets(secrets, errors, "an error");
    },
  ),
  define("WAL-20", "a call that is aborted ends at once", async (subject) => {
    const { fixture, instance, call } = subject;
    const { answer } = await begin(subject);
    const aborted = AbortSignal.abort();
    const start = instance.start(ada, fixture.wallets[1].ask, call({ signal: aborted }));
    expectEndOfAborted(await expectEnd(start, "an aborted start"));
    expectEndOfAborted(
      await expectEnd(instance.provision(ada, answer, call({ signal: aborted })), "an aborted provision"),
    );
    expectEndOfAborted(await expectEnd(instance.lookup(ada, call({ signal: aborted })), "an aborted lookup"));
  }),
];
