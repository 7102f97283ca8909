import { isAgentKeysError, isWithin, type IssueOrder } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, describe, expectEnd, isPlainJson, isSameJson } from "../expect.ts";
import { expectEndOfAborted } from "../input.ts";
import { expectNoSecrets } from "../keeping-secrets.ts";
import type { IssuerFixture } from "./issuer-fixture.ts";
import { defineIssuerCase as define, firstScope, issue, makeOrder, type IssuerSubject } from "./issuer-subject.ts";

/** What a credential is, and what it is not. */
export const issuerIssueCases: readonly ConformanceCase<IssuerFixture>[] = [
  define("ISS-06", "a credential has a type, a value and a public id, which stands in it", async (subject) => {
    for (const text of subject.fixture.accepts) {
      const order = makeOrder(subject, text);
      const { credential, contents } = await issue(subject, order);
      check(/^[a-z][a-z0-9_-]*$/u.test(credential.type), "the type is no short name");
      check(isPlainJson(credential.value), "the value is not plain JSON");
      check(credential.id === contents.id, "the id is not the one that stands in the credential");
      check(!contents.secrets.includes(credential.id), "the public id is a secret");
      const isLocal = subject.fixture.plugin.capabilities.includes("local");
      check(
        !isLocal || credential.id === order.credentialId,
        "a local signer's credential has another id than was recorded",
      );
    }
  }),
  define("ISS-07", "a credential opens nothing beyond the order's scope", async (subject) => {
    for (const text of subject.fixture.accepts) {
      const order = makeOrder(subject, text);
      const { contents } = await issue(subject, order);
      check(
        isWithin(contents.scope, order.scope),
        `for ${text} the credential opens ${JSON.stringify(contents.scope)}`,
      );
    }
  }),
  define("ISS-08", "a credential ends when the order does, or before, and says so", async (subject) => {
    let issued = 0;
    for (const seconds of [60, 900, 3600]) {
      const now = Math.floor(subject.host.now() / 1000);
      const order = makeOrder(subject, firstScope(subject), { expiresAt: now + seconds });
      const [result] = await Promise.allSettled([issue(subject, order)]);
      if (result?.status === "rejected") {
        // A far side may give no credential as short as that; a longer one is no answer.
        check(isAgentKeysError(result.reason), `an order of ${seconds} s threw ${describe(result.reason)}`);
        continue;
      }
      issued += 1;
      const { credential, contents } = result?.value ?? (await issue(subject, order));
      check(credential.expiresAt <= order.expiresAt, "the credential is said to end after the order");
      check(contents.expiresAt <= order.expiresAt, "the credential ends after the order");
      check(contents.expiresAt === credential.expiresAt, "the credential ends at another time than is said");
      check(credential.expiresAt > now, "the credential is over before it is used");
    }
    check(issued > 0, "no order of up to an hour is taken");
  }),
  define("ISS-09", "a local signer makes the same credential again for the same order", async (subject) => {
    if (!subject.fixture.plugin.capabilities.includes("local")) return;
    const order = makeOrder(subject, firstScope(subject));
    const first = await issue(subject, order);
    subject.host.advance(30_000);
    const again = await issue({ ...subject, instance: await subject.open() }, order);
    check(again.credential.id === first.credential.id, "the second credential has another id");
    check(again.contents.expiresAt === first.contents.expiresAt, "the second credential has another end");
    check(isSameJson(again.contents.scope, first.contents.scope), "the second credential opens something else");
  }),
  define("ISS-10", "orders at the same moment do not mix", async (subject) => {
    const { accepts } = subject.fixture;
    const orders = Array.from({ length: 16 }, (_, at) => makeOrder(subject, accepts[at % accepts.length] ?? ""));
    const issued = await Promise.all(orders.map(async (order) => issue(subject, order)));
    const ids = issued.map(({ credential }) => credential.id);
    check(new Set(ids).size === orders.length, "two orders have one credential");
    for (const [at, { contents }] of issued.entries())
      check(
        isWithin(contents.scope, orders[at]?.scope ?? { actions: [], resources: [] }),
        "an order has another's credential",
      );
  }),
  define("ISS-11", "an order that must not be issued for is refused", async (subject) => {
    const order = makeOrder(subject, firstScope(subject));
    const now = Math.floor(subject.host.now() / 1000);
    const bad: Readonly<Record<string, Partial<IssueOrder>>> = {
      "that is over": { expiresAt: now - 1 },
      "that ends before it starts": { issuedAt: now, expiresAt: now },
      "without a scope": { scope: { actions: [], resources: [] } },
    };
    for (const [what, changes] of Object.entries(bad)) await expectNothing(subject, { ...order, ...changes }, what);
    for (const text of subject.fixture.refuses) {
      const scope = JSON.parse(text) as IssueOrder["scope"];
      await expectNothing(subject, { ...order, scope }, `for ${text}, which it must refuse,`);
    }
    if (order.identityToken === undefined) return;
    await expectNothing(subject, { ...order, identityToken: undefined }, "without the identity token it asks for");
  }),
  define("ISS-12", "no part of a credential is kept, logged or told in an error", async (subject) => {
    const { fixture, host } = subject;
    const order = makeOrder(subject, firstScope(subject));
    const { contents } = await issue(subject, order);
    const errors: unknown[] = [];
    await subject.instance
      .issue({ ...order, expiresAt: 0, scope: { actions: [], resources: [] } }, subject.call())
      .catch((error: unknown) => errors.push(error));
    check(contents.secrets.length > 0, "the fixture reads no secret of the credential");
    const secrets = [...contents.secrets, ...Object.values(fixture.host?.secrets ?? {}), order.identityToken ?? ""];
    expectNoSecrets(secrets, host.store.entries(), "the store");
    expectNoSecrets(secrets, [...host.logs, ...host.metrics], "a log line or metric");
    expectNoSecrets(secrets, errors, "an error");
  }),
  define("ISS-13", "revoking an unknown credential, or one twice, is success", async (subject) => {
    const { instance, call, fixture } = subject;
    if (instance.revoke === undefined) return;
    for (const id of ["jti_unknown", "", "x".repeat(10_000), "../x", "__proto__"]) await instance.revoke(id, call());
    const { credential } = await issue(subject, makeOrder(subject, firstScope(subject)));
    check((await fixture.isHonoured?.(credential)) ?? true, "a fresh credential is not honoured");
    await instance.revoke(credential.id, call());
    await instance.revoke(credential.id, call());
    check(!((await fixture.isHonoured?.(credential)) ?? false), "a revoked credential is still honoured");
  }),
  define(
    "ISS-14",
    "a far side that is down or hangs, or a caller who is gone, ends the call with an error",
    async (subject) => {
      const { fixture, instance, call, host } = subject;
      const order = makeOrder(subject, firstScope(subject));
      const aborted = instance.issue(order, call({ signal: AbortSignal.abort() }));
      expectEndOfAborted(await expectEnd(aborted, "an aborted issue"));
      if (fixture.farSide === undefined) {
        check(host.requests.length === 0, "it fetches, but the fixture has no far side to break");
        return;
      }
      for (const [fault, timeout] of [
        ["down", 10_000],
        ["hang", 500],
      ] as const) {
        await fixture.farSide[fault]();
        const failing = makeOrder(subject, firstScope(subject));
        const ended = await expectEnd(
          instance.issue(failing, call({ timeout })),
          `issue, with the far side ${fault},`,
          timeout + 2000,
        );
        expectEndOfAborted(ended);
        check(ended.status === "rejected", `a credential is issued with the far side ${fault}`);
      }
      await fixture.farSide.up();
      await issue(subject, makeOrder(subject, firstScope(subject)));
    },
  ),
];

async function expectNothing({ instance, call }: IssuerSubject, order: IssueOrder, what: string): Promise<void> {
  const [result] = await Promise.allSettled([instance.issue(order, call())]);
  check(result?.status === "rejected", `an order ${what} is issued for`);
  check(isAgentKeysError(result.reason), `an order ${what} threw ${describe(result.reason)}`);
}
