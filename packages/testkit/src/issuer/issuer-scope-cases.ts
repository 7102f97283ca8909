import { formatScope, isWithin, parseScope, type Scope } from "@agentkeys/core";
import type { ConformanceCase } from "../conformance.ts";
import { check, describe, expectRefusal, isSameJson } from "../expect.ts";
import { hostileBodies } from "../hostile-json.ts";
import type { IssuerFixture } from "./issuer-fixture.ts";
import { defineIssuerCase as define, firstScope, type IssuerSubject } from "./issuer-subject.ts";

/** What a scope means to the issuer. */
export const issuerScopeCases: readonly ConformanceCase<IssuerFixture>[] = [
  define("ISS-01", "a scope that it takes means no more here than it says", async ({ fixture, instance }) => {
    check(fixture.accepts.length > 0, "the fixture accepts no scope");
    for (const text of fixture.accepts) {
      const scope = instance.parseScope(text);
      const asked = parseScope(JSON.parse(text));
      check(isWithin(scope, asked), `${text} is read as ${formatScope(scope)}, which is wider`);
      check(formatScope(parseScope(scope)) === formatScope(scope), "what it reads is no scope of core's");
    }
  }),
  define("ISS-02", "a scope that its own world would read otherwise is ERR_GRANT_SCOPE", async (subject) => {
    check(subject.fixture.refuses.length > 0, "the fixture refuses no scope");
    for (const text of subject.fixture.refuses) await expectRefusedScope(subject, text);
  }),
  define("ISS-03", "what is no scope text is ERR_GRANT_SCOPE, never a crash", async (subject) => {
    const texts = [...noScopes, ...hostileBodies.map((body) => JSON.stringify(body))];
    for (const text of texts) await expectRefusedScope(subject, text);
    const wider = JSON.parse(firstScope(subject)) as Record<string, unknown>;
    await expectRefusedScope(subject, JSON.stringify({ ...wider, expires: "never" }));
  }),
  define(
    "ISS-04",
    "reading a scope is pure: the same text is the same scope, and the host is not asked",
    async (subject) => {
      const { fixture, instance, host } = subject;
      const before = {
        uses: host.store.uses,
        bytes: host.randomBytes,
        logs: host.logs.length,
        fetched: host.requests.length,
      };
      for (const text of fixture.accepts) {
        const first = instance.parseScope(text);
        const again = instance.parseScope(text);
        check(isSameJson(first, again), "the same text is read as two scopes");
        check(
          isSameJson(instance.identityToken(first), instance.identityToken(again)),
          "the same scope asks for two tokens",
        );
        check(formatScope(first) === formatScope(again), "asking for a token changes the scope");
      }
      const after = {
        uses: host.store.uses,
        bytes: host.randomBytes,
        logs: host.logs.length,
        fetched: host.requests.length,
      };
      check(isSameJson(before, after), "reading a scope uses the host");
    },
  ),
  define(
    "ISS-05",
    "it says which identity token it needs, and which audiences are its own",
    async ({ fixture, instance }) => {
      const own = instance.ownAudiences ?? [];
      check(
        own.every((audience) => audience.trim() === audience && audience !== ""),
        "an own audience is no text",
      );
      check(new Set(own).size === own.length, "an own audience stands twice");
      for (const text of fixture.accepts) {
        const ask = instance.identityToken(instance.parseScope(text));
        if (ask === undefined) continue;
        check(ask.audience.trim() === ask.audience && ask.audience !== "", "the token's audience is no text");
        check(
          ask.algorithm === "ES256" || ask.algorithm === "RS256",
          "the token's algorithm is neither ES256 nor RS256",
        );
      }
    },
  ),
];

const noScopes = [
  "",
  " ",
  "null",
  "{}",
  "[]",
  "x",
  '"x"',
  "{",
  "\u0000",
  '{"actions":[],"resources":[]}',
  '{"actions":["token"]}',
  '{"resources":["https://a.example"]}',
  '{"actions":[1],"resources":["a"]}',
  '{"actions":[""],"resources":["a"]}',
  '{"actions":["x"],"resources":["a/../b"]}',
  '{"actions":["x"],"resources":["a%2e"]}',
  '{"actions":["x"],"resources":["a"],"admin":true}',
];

async function expectRefusedScope({ instance }: IssuerSubject, text: string): Promise<void> {
  const read = async (): Promise<Scope> => instance.parseScope(text);
  const error = await expectRefusal(read(), ["ERR_GRANT_SCOPE"], `the scope text ${text.slice(0, 80)}`);
  check(error.message !== "", `the refusal gives no reason: ${describe(error)}`);
}
