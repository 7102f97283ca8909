import { inspect } from "node:util";
import type { Json, UserAuthMethod } from "@agentkeys/core";
import { describe, expect, it } from "vitest";
import { codeOf } from "./support/codes.ts";
import { createCall, createFakeHost, type FakeHost } from "@agentkeys/testkit";
import { tokenIn } from "./support/mail-server.ts";
import { openPlugin } from "./support/open.ts";
import { startScriptedSes, startSesLocal, type ScriptedSes, type SesAnswer } from "./support/ses.ts";
import { afterThis, linksOf } from "./support/smtp.ts";

const ask = { email: "ada@example.com" };
const secret = "a-secret-access-key";
const account = { SendingEnabled: true, ProductionAccessEnabled: true };
/** All that aws-ses-v2-local wants of an account. */
const suspendedAccount = {
  DedicatedIpAutoWarmupEnabled: false,
  Details: {
    AdditionalContactEmailAddresses: [],
    ContactLanguage: "EN",
    MailType: "TRANSACTIONAL",
    ReviewDetails: { CaseId: "1", Status: "GRANTED" },
    UseCaseDescription: "sign-in",
    WebsiteURL: "https://acme.example",
  },
  EnforcementStatus: "SHUTDOWN",
  ProductionAccessEnabled: true,
  SendingEnabled: false,
  SendQuota: { Max24HourSend: 200, MaxSendRate: 1, SentLast24Hours: 0 },
  SuppressionAttributes: { SuppressedReasons: [] },
};
const healthy = "GET /v2/email/account";
const identity = (name: string): string => `GET /v2/email/identities/${name}`;
const absent: SesAnswer = { status: 404, error: "NotFoundException" };

async function connectTo(
  endpoint: string,
  host: FakeHost,
  from = "AgentKeys <login@mail.acme.example>",
): Promise<UserAuthMethod> {
  const ses = {
    region: "eu-west-1",
    endpoint,
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: { file: "aws-secret" },
  };
  const method = await openPlugin({ from, transport: "ses", ses }, host);
  afterThis(() => method.close());
  return method;
}

async function script(
  routes: Readonly<Record<string, SesAnswer>>,
): Promise<{ ses: ScriptedSes; host: FakeHost; method: UserAuthMethod }> {
  const ses = await startScriptedSes(routes);
  afterThis(() => ses.close());
  const host = createFakeHost({ name: "email", secrets: { "aws-secret": secret } });
  return { ses, host, method: await connectTo(ses.endpoint, host) };
}

describe("with aws-ses-v2-local behind the real SDK", () => {
  it("a link is sent, opened and finished", async () => {
    const ses = await startSesLocal();
    afterThis(() => ses.close());
    const host = createFakeHost({ name: "email", secrets: { "aws-secret": secret } });
    const method = await connectTo(ses.endpoint, host, "Schlüssel <login@mail.acme.example>");
    const challenge = await method.start(ask, createCall(host));

    const mail = (await ses.mails()).at(-1);
    expect(mail).toMatchObject({
      from: "=?UTF-8?B?U2NobMO8c3NlbA==?= <login@mail.acme.example>",
      destination: { to: ["ada@example.com"] },
      subject: "Sign in at keys.example",
      headers: [{ name: "Auto-Submitted", value: "auto-generated" }],
    });
    const token = tokenIn(mail?.body.text ?? "");
    expect(mail?.body.html).toContain(`#token=${token}"`);
    const page = await method.page?.({ method: "POST", path: "link", fields: { token } }, createCall(host));
    expect(await method.finish((page as { answer: Json }).answer, createCall(host))).toEqual({
      challengeId: challenge.id,
      identity: { type: "email", value: "ada@example.com" },
      amr: ["email"],
    });
  });

  it("is unready as long as the account may not send", async () => {
    const ses = await startSesLocal();
    afterThis(() => ses.close());
    const host = createFakeHost({ name: "email", secrets: { "aws-secret": secret } });
    const method = await connectTo(ses.endpoint, host);
    expect(await method.ready(createCall(host))).toMatchObject({ status: "unready" });

    process.env["AWS_SES_ACCOUNT"] = JSON.stringify(suspendedAccount);
    afterThis(async () => {
      delete process.env["AWS_SES_ACCOUNT"];
    });
    expect(await method.ready(createCall(host))).toEqual({
      status: "unready",
      reason: "Amazon SES: sending is disabled for this account and region",
    });
  });
});

describe("readiness", () => {
  it.each([
    ["the address itself", { [identity("login@mail.acme.example")]: true }],
    ["its domain", { [identity("mail.acme.example")]: true }],
    ["a domain above it", { [identity("acme.example")]: true }],
    ["a domain above an unverified one", { [identity("mail.acme.example")]: false, [identity("acme.example")]: true }],
  ])("is given when SES has verified %s", async (_which, verified) => {
    const known = Object.entries(verified).map(([route, is]) => [
      route,
      { status: 200, body: { VerifiedForSendingStatus: is } },
    ]);
    const { host, method, ses } = await script({
      [healthy]: { status: 200, body: account },
      [identity("login@mail.acme.example")]: absent,
      [identity("mail.acme.example")]: absent,
      [identity("acme.example")]: absent,
      ...(Object.fromEntries(known) as Record<string, SesAnswer>),
    });
    expect(await method.ready(createCall(host))).toEqual({ status: "ready" });
    expect(ses.requests.every(({ authorization }) => authorization.includes("AKIDEXAMPLE"))).toBe(true);
  });

  it("is not given for a sender that no identity covers", async () => {
    const { host, method } = await script({
      [healthy]: { status: 200, body: account },
      [identity("login@mail.acme.example")]: { status: 200, body: { VerifiedForSendingStatus: false } },
      [identity("mail.acme.example")]: absent,
      [identity("acme.example")]: absent,
    });
    expect(await method.ready(createCall(host))).toEqual({
      status: "unready",
      reason: "Amazon SES: no verified identity covers the sender login@mail.acme.example",
    });
  });

  it("is not given while sending is disabled", async () => {
    const { host, method } = await script({ [healthy]: { status: 200, body: { ...account, SendingEnabled: false } } });
    expect(await method.ready(createCall(host))).toEqual({
      status: "unready",
      reason: "Amazon SES: sending is disabled for this account and region",
    });
  });

  it("is degraded in the sandbox", async () => {
    const { host, method } = await script({
      [healthy]: { status: 200, body: { ...account, ProductionAccessEnabled: false } },
      [identity("login@mail.acme.example")]: { status: 200, body: { VerifiedForSendingStatus: true } },
    });
    expect(await method.ready(createCall(host))).toMatchObject({
      status: "degraded",
      reason: expect.stringMatching(/sandbox/u),
    });
  });

  it("is degraded when the credentials may send but not ask", async () => {
    const { host, method } = await script({ [healthy]: { status: 403, error: "AccessDeniedException" } });
    expect(await method.ready(createCall(host))).toMatchObject({
      status: "degraded",
      reason: expect.stringMatching(/ses:GetAccount/u),
    });
  });

  it("is not given when the credentials are wrong, hang or lead nowhere", async () => {
    const wrong = await script({ [healthy]: { status: 403, error: "InvalidSignatureException" } });
    expect(await wrong.method.ready(createCall(wrong.host))).toEqual({
      status: "unready",
      reason: "Amazon SES: InvalidSignatureException: as documented",
    });
    const hanging = await script({});
    expect(await hanging.method.ready(createCall(hanging.host, { timeout: 300 }))).toEqual({
      status: "unready",
      reason: "Amazon SES: no answer in time",
    });
    await hanging.ses.close();
    expect(await hanging.method.ready(createCall(hanging.host))).toMatchObject({
      status: "unready",
      reason: expect.stringMatching(/^Amazon SES: ECONNREFUSED/u),
    });
  });
});

describe("sending", () => {
  const send = "POST /v2/email/outbound-emails";

  it("asks SES to track nothing, so that no link leads through another server", async () => {
    const { host, method, ses } = await script({ [send]: { status: 200, body: { MessageId: "1" } } });
    await method.start(ask, createCall(host));
    expect(ses.requests).toMatchObject([
      {
        route: send,
        body: {
          FromEmailAddress: '"AgentKeys" <login@mail.acme.example>',
          Destination: { ToAddresses: ["ada@example.com"] },
          ConfigurationOverrides: { Tracking: { OpenTrackingEnabled: "DISABLED", ClickTrackingEnabled: "DISABLED" } },
        },
      },
    ]);
  });

  it.each([
    [400, "MessageRejected"],
    [400, "MailFromDomainNotVerifiedException"],
    [403, "AccessDeniedException"],
    [400, "AccountSuspendedException"],
  ])("answered by %s %s makes the method unavailable, and the link dead", async (status, error) => {
    const { host, method, ses } = await script({ [send]: { status, error, body: { message: "no: ada@example.com" } } });
    const refusal: unknown = await method.start(ask, createCall(host)).catch((fault: unknown) => fault);
    expect(refusal).toMatchObject({ code: "ERR_AUTH_UNAVAILABLE" });
    expect(host.logs).toEqual([
      { level: "warn", event: "email_failed", fields: { code: error, request_id: expect.any(String) } },
    ]);
    const sent = JSON.stringify(ses.requests.map(({ body }) => body));
    const [, token = "?"] = /#token=([\w-]{43})/u.exec(sent) ?? [];
    for (const word of [token, "ada@example.com", secret]) {
      expect(inspect([refusal, host.logs, host.metrics], { depth: 20 })).not.toContain(word);
    }
    expect(linksOf(host)).toEqual([]);
  });

  it("without an answer is given up before the deadline", async () => {
    const { host, method } = await script({});
    const call = createCall(host, { timeout: 500 });
    const refusal: unknown = await method.start(ask, call).catch((fault: unknown) => fault);
    expect(call.signal.aborted).toBe(false);
    expect(refusal).toMatchObject({ facts: { reason: "the mail server did not answer in time" } });
    expect(linksOf(host)).toEqual([]);
  });

  it("is given up in time while the SDK still looks for credentials of its own", async () => {
    const metadata = await startScriptedSes({});
    afterThis(() => metadata.close());
    process.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = `${metadata.endpoint}/credentials`;
    afterThis(async () => {
      delete process.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    });
    const host = createFakeHost({ name: "email" });
    const ses = { region: "eu-west-1", endpoint: metadata.endpoint };
    const method = await openPlugin({ from: "a@acme.example", transport: "ses", ses }, host);
    afterThis(() => method.close());
    const call = createCall(host, { timeout: 500 });
    expect(await codeOf(method.start(ask, call))).toBe("ERR_AUTH_UNAVAILABLE");
    expect(call.signal.aborted).toBe(false);
    expect(metadata.requests.map(({ route }) => route)).toEqual(["GET /credentials"]);
  });

  it("ends when the plug-in is closed", async () => {
    const { host, method, ses } = await script({});
    const started = codeOf(method.start(ask, createCall(host, { timeout: 60_000 })));
    await expect.poll(() => ses.requests.length).toBe(1);
    await method.close();
    await method.close();
    expect(await started).toBe("ERR_AUTH_UNAVAILABLE");
  });

  it("to an address outside ASCII, which SES cannot reach, looks like any other and asks SES for nothing", async () => {
    const { host, method, ses } = await script({});
    expect(await method.start({ email: "jürgen@example.com" }, createCall(host))).toMatchObject({ public: {} });
    expect(ses.requests).toEqual([]);
    expect(host.logs).toMatchObject([{ event: "email_refused", fields: { code: "not ASCII" } }]);
  });
});
