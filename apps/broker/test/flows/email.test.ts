// Sign-in by a mailed link: a real broker, a real SMTP server, and a browser's requests by hand.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startMailServer, type MailServer } from "../../../../packages/auth-email/test/support/mail-server.ts";
import { Caller, openBroker, type TestBroker } from "./harness.ts";
import { emailTable, lastToken, postLink } from "./mail.ts";

let broker: TestBroker;
let server: MailServer;

beforeAll(async () => {
  server = await startMailServer();
  broker = await openBroker(`[auth]\nmethods = ["email"]\n${emailTable(server)}`);
});
afterAll(async () => {
  await broker.close();
  await server.close();
});

async function start(caller: Caller, address: string, more: Record<string, string> = {}) {
  const answer = await caller.call("POST", "/v1/auth/email/start", {
    email: address,
    client_name: "<b>laptop</b>",
    ...more,
  });
  return { answer, token: lastToken(broker, server) };
}

const post = async (fields: Record<string, string>, headers?: Record<string, string>) =>
  postLink(broker, fields, headers);
const poll = (caller: Caller, pollToken: string) => caller.call("POST", "/v1/auth/poll", { poll_token: pollToken });

test("the link and the code together give the session to the one who asked, once, and to nobody else", async () => {
  const caller = await Caller.open(broker.url);
  const { answer, token } = await start(caller, "Ada@Example.com", { claim_code: broker.claimCode() });
  expect(answer.status).toBe(200);
  expect(JSON.stringify(answer.body)).not.toContain(token);
  const { poll_token: pollToken, user_code: userCode } = answer.body as { poll_token: string; user_code: string };
  expect((await poll(caller, pollToken)).status).toBe(202);

  // A scanner or a prefetching mail program: nothing is consumed.
  const page = await fetch(`${broker.url}/auth/email/link`);
  expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  await fetch(`${broker.url}/auth/email/link`, { method: "HEAD" });

  const shown = await post({ token });
  expect(shown.text).toContain("&lt;b&gt;laptop&lt;/b&gt;");
  expect(shown.text).not.toContain("<b>laptop");
  expect(shown.text).toContain("127.0.0.1");
  expect(shown.text).toContain("to sign in");
  expect((await poll(caller, pollToken)).status).toBe(202);
  expect((await post({ token, user_code: "AAAA-AAAA" })).text).toContain("Tries left: 2");
  expect((await post({ token, user_code: userCode.toLowerCase() })).text).toContain("You are signed in");
  expect((await post({ token, user_code: userCode })).text).toContain("used or expired");

  const thief = await Caller.open(broker.url);
  expect((await poll(thief, pollToken)).body.code).toBe("ERR_AUTH_CHALLENGE");
  const session = await poll(caller, pollToken);
  expect(session.status).toBe(200);
  expect((await poll(caller, pollToken)).body.code).toBe("ERR_AUTH_CHALLENGE");
  caller.take(session.body);
  expect((await caller.call("GET", "/v1/account")).body).toMatchObject({
    role: "operator",
    identities: [{ type: "email", value: "ada@example.com" }],
  });
});

test("three wrong codes end the attempt, also for the right one", async () => {
  const caller = await Caller.open(broker.url);
  const { answer, token } = await start(caller, "eve@example.com");
  for (const tries of ["Tries left: 2", "Tries left: 1", "no longer of use"])
    expect((await post({ token, user_code: "00000000" })).text).toContain(tries);
  expect((await post({ token, user_code: answer.body.user_code as string })).text).toContain("no longer of use");
  expect((await poll(caller, answer.body.poll_token as string)).body.code).toBe("ERR_AUTH_CHALLENGE");
});

test("a form of another site is refused, and an identity without an account gets none by its proof alone", async () => {
  const caller = await Caller.open(broker.url);
  const { answer, token } = await start(caller, "bob@example.com");
  const user_code = answer.body.user_code as string;
  expect((await post({ token, user_code }, { origin: "https://evil.example" })).status).toBe(403);
  expect((await post({ token, user_code }, { origin: broker.url })).text).toContain("You are signed in");
  expect((await poll(caller, answer.body.poll_token as string)).body.code).toBe("ERR_AUTH_SIGN_UP");
});
