import type { Page, PageRequest } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, expectRefusal, isSameJson } from "../expect.ts";
import { textsIn } from "../hostile-json.ts";
import type { AuthFixture } from "./auth-fixture.ts";
import { begin, defineAuthCase as define, expectSignIn, type AuthSubject, type SignIn } from "./auth-subject.ts";

/** Pages in a browser, and messages to people. A method that has neither has nothing to show here. */
export const authPageCases: readonly ConformanceCase<AuthFixture>[] = [
  define("AUTH-19", "a method that is out of band has pages", async ({ fixture, instance }) => {
    const isOutOfBand = fixture.plugin.capabilities.includes("out_of_band");
    check(!isOutOfBand || instance.page !== undefined, "it is out_of_band and has no page");
    check(
      instance.page === undefined || fixture.browse !== undefined,
      "it has pages: the fixture must say how to browse",
    );
    check(instance.notify === undefined || fixture.inbox !== undefined, "it notifies: the fixture must show the inbox");
  }),
  define("AUTH-20", "a GET changes nothing, whatever it carries", async (subject) => {
    const signIn = await begin(subject);
    const requests = await browse(subject, signIn);
    const before = subject.host.store.entries();
    for (const request of requests) {
      await open(subject, { ...request, method: "GET" });
      await open(subject, { ...request, method: "GET" });
    }
    check(isSameJson(subject.host.store.entries(), before), "a GET changed the store");
    await expectSignIn(subject, signIn);
  }),
  define("AUTH-21", "the way leads to a confirm page that describes and consumes nothing", async (subject) => {
    const signIn = await begin(subject);
    const requests = await browse(subject, signIn);
    if (requests.length === 0) return;
    const pages = [await follow(subject, requests), await follow(subject, requests)];
    for (const page of pages) {
      check(page?.kind === "confirm", `the way ends at ${page?.kind ?? "no page"}, not at a confirm page`);
      check(page.challengeId === signIn.challenge.id, "the confirm page is of another challenge");
      check(
        isSameJson(page.answer, pages[0]?.kind === "confirm" ? pages[0].answer : undefined),
        "the second look differs",
      );
      if (page === pages[1]) await expectSignIn(subject, { ...signIn, answer: page.answer });
    }
  }),
  define("AUTH-22", "once the sign-in is done or over, no page confirms it", async (subject) => {
    const { host, instance, call } = subject;
    const done = await begin(subject, 0);
    const doneRequests = await browse(subject, done);
    await expectSignIn(subject, done);
    check((await follow(subject, doneRequests))?.kind !== "confirm", "a used challenge is still confirmed");
    const over = await begin(subject, 1);
    const overRequests = await browse(subject, over);
    host.advance(over.challenge.expiresAt - host.now());
    check((await follow(subject, overRequests))?.kind !== "confirm", "an expired challenge is still confirmed");
    await expectRefusal(instance.finish(over.answer, call()), ["ERR_AUTH_CHALLENGE"], "an expired challenge");
  }),
  define(
    "AUTH-23",
    "a page is a description without markup, and leads nowhere but here or to https",
    async (subject) => {
      const signIn = await begin(subject);
      const requests = await browse(subject, signIn);
      for (const request of [
        ...requests,
        ...requests.map(({ path }): PageRequest => ({ method: "POST", path, fields: {} })),
      ])
        checkPage(await open(subject, request));
    },
  ),
  define("AUTH-24", "an unknown page is none, and hostile fields are refused or shown nothing", async (subject) => {
    const { instance } = subject;
    if (instance.page === undefined) return;
    const signIn = await begin(subject);
    const [first] = await browse(subject, signIn);
    for (const path of [
      "no-such-page",
      "",
      "..",
      "../../v1/account",
      "link/../..",
      "%2e%2e",
      "\u0000",
      "x".repeat(10_000),
    ])
      for (const method of ["GET", "POST"] as const)
        check(
          (await open(subject, { method, path, fields: {} }))?.kind !== "confirm",
          `the path ${path.slice(0, 20)} confirms`,
        );
    check(
      (await open(subject, { method: "GET", path: "no-such-page", fields: {} })) === undefined,
      "an unknown page is there",
    );
    const last = (await browse(subject, signIn)).at(-1);
    const names = [...new Set([...Object.keys(first?.fields ?? {}), ...Object.keys(last?.fields ?? {}), "__proto__"])];
    for (const value of ["", "\u0000", "\ud800", "<script>", "__proto__", "x".repeat(100_000)]) {
      const fields = Object.fromEntries(names.map((name) => [name, value]));
      for (const path of [first?.path ?? "", last?.path ?? ""]) {
        const page = await open(subject, { method: "POST", path, fields });
        check(page?.kind !== "confirm", "made-up fields reach a confirm page");
        checkPage(page);
      }
    }
    await expectSignIn(subject, signIn);
  }),
  define(
    "AUTH-25",
    "a stranger can make only so many messages to somebody, and hinders nobody else",
    async (subject) => {
      const { fixture, host, instance, call } = subject;
      const [person, other] = fixture.people;
      if (fixture.inbox === undefined) return;
      const askOften = async (): Promise<void> => {
        for (let asked = 0; asked < 40; asked++) await instance.start(person.ask, call());
      };
      const error = await expectRefusal(askOften(), ["ERR_REQUEST_RATE_LIMITED"], "40 messages in one moment");
      const { retryAfter } = error.facts as { readonly retryAfter: number };
      check(Number.isSafeInteger(retryAfter) && retryAfter > 0, "retryAfter is not in whole seconds");
      const { length } = await fixture.inbox(person);
      check(length > 0 && length <= 20, `${length} messages were sent before the limit`);
      await instance.start(other.ask, call());
      host.advance(retryAfter * 1000);
      await expectSignIn(subject, await begin(subject));
    },
  ),
  define(
    "AUTH-26",
    "a notice reaches its owner as it was written, and only for identities of its kind",
    async (subject) => {
      const { fixture, instance, call } = subject;
      if (instance.notify === undefined) return;
      const [person, other] = fixture.people;
      const notice = {
        subject: "Your account was recovered",
        text: "If that was not you, write to the operator: case 4711.",
      };
      const before = await fixture.inbox?.(other);
      await instance.notify(person.identity, notice, call());
      const inbox = (await fixture.inbox?.(person)) ?? [];
      check(
        inbox.some((message) => message.replaceAll(/\s+/gu, " ").includes(notice.text)),
        "the notice did not arrive",
      );
      check(isSameJson(await fixture.inbox?.(other), before), "the notice went to somebody else too");
      const foreign = { type: "no_such_type", value: "x" };
      await expectRefusal(
        instance.notify(foreign, notice, call()),
        ["ERR_REQUEST_MALFORMED"],
        "an identity of another kind",
      );
    },
  ),
];

async function browse({ fixture, instance }: AuthSubject, signIn: SignIn): Promise<readonly PageRequest[]> {
  if (instance.page === undefined) return [];
  return (await fixture.browse?.(signIn.challenge, signIn.answer)) ?? [];
}

async function follow(subject: AuthSubject, requests: readonly PageRequest[]): Promise<Page | undefined> {
  let page: Page | undefined;
  for (const request of requests) page = await open(subject, request);
  return page;
}

/** Opens a page; a refusal of what was sent counts as no page. */
async function open({ instance, call }: AuthSubject, request: PageRequest): Promise<Page | undefined> {
  const [result] = await Promise.allSettled([instance.page?.(request, call())]);
  if (result?.status === "fulfilled") return result.value;
  await expectRefusal(
    Promise.reject(result?.reason as Error),
    ["ERR_REQUEST_MALFORMED", "ERR_AUTH_CHALLENGE"],
    "a page",
  );
  return undefined;
}

function checkPage(page: Page | undefined): void {
  if (page === undefined) return;
  if (page.kind === "redirect") {
    const url = URL.canParse(page.url) ? new URL(page.url) : undefined;
    const isLoopback = url?.protocol === "http:" && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/u.test(url.hostname);
    check(url?.protocol === "https:" || isLoopback, "a redirect leads to something else than https");
    return;
  }
  const fields = page.kind === "form" ? page.fields.map(({ label = "", name }) => [label, name]) : [];
  const written = textsIn([page.title, page.text, page.kind === "form" ? page.submit : "", fields]);
  check(
    written.every((text) => !/[<>]|&[a-z#]+;/iu.test(text)),
    "a page holds markup",
  );
  check(page.title !== "" && page.text !== "", "a page has no title or no text");
  if (page.kind === "form") check(/^[a-z0-9][a-z0-9_/-]*$/iu.test(page.action), "a form posts to somewhere else");
}
