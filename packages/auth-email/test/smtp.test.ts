import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import type { SMTPServerOptions } from "smtp-server";
import { describe, expect, it } from "vitest";
import { certificate, key } from "./support/certificate.ts";
import { codeOf } from "./support/codes.ts";
import { createCall, createFakeHost } from "@agentkeys/testkit";
import { headerOf, textOf, tokenIn } from "./support/mail-server.ts";
import { openPlugin } from "./support/open.ts";
import { afterThis, connectTo, linksOf, serve } from "./support/smtp.ts";

const ask = { email: "ada@example.com" };

const withLogin: SMTPServerOptions = {
  disabledCommands: ["STARTTLS"],
  authOptional: false,
  allowInsecureAuth: true,
  onAuth({ username, password }, _session, done) {
    if (username === "agentkeys" && password === "correct horse") done(null, { user: username });
    else done(Object.assign(new Error("no such login"), { responseCode: 535 }));
  },
};
const login = { username: "agentkeys", password: { file: "smtp-password" } };
const secrets = { "smtp-password": "correct horse" };
describe("logging in", () => {
  it("sends with the right password and is ready", async () => {
    const server = await serve(withLogin);
    const host = createFakeHost({ name: "email", secrets });
    const method = await connectTo(server.port, host, { security: "none", ...login });
    expect(await method.ready(createCall(host))).toEqual({ status: "ready" });
    await method.start(ask, createCall(host));
    expect(server.mails.map(({ from, to, user }) => [from, to, user])).toEqual([
      ["login@acme.example", ["ada@example.com"], "agentkeys"],
    ]);
    expect(host.metrics).toEqual([{ name: "emails_sent", value: 1 }]);
  });

  it("with a wrong password is unready and unavailable, and the password is nowhere in what is said of it", async () => {
    const server = await serve(withLogin);
    const host = createFakeHost({ name: "email", secrets: { "smtp-password": "wrong battery" } });
    const method = await connectTo(server.port, host, { security: "none", ...login });
    const readiness = await method.ready(createCall(host));
    expect(readiness).toMatchObject({ status: "unready", reason: expect.stringMatching(/535/u) });
    const refusal: unknown = await method.start(ask, createCall(host)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "ERR_AUTH_UNAVAILABLE", facts: { reason: "no mail can be sent now" } });
    expect(host.logs).toEqual([
      {
        level: "warn",
        event: "email_failed",
        fields: { code: "EAUTH AUTH PLAIN 535", request_id: expect.any(String) },
      },
    ]);
    const said = inspect([readiness, refusal, host.logs], { depth: 20 });
    for (const form of ["wrong battery", Buffer.from("\0agentkeys\0wrong battery").toString("base64")]) {
      expect(said).not.toContain(form);
    }
    expect(linksOf(host)).toEqual([]);
  });

  it("is not left out when the server offers none", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email", secrets });
    const method = await connectTo(server.port, host, { security: "none", ...login });
    expect(await method.ready(createCall(host))).toMatchObject({ status: "unready" });
    expect(await codeOf(method.start(ask, createCall(host)))).toBe("ERR_AUTH_UNAVAILABLE");
    expect(server.mails).toEqual([]);
  });
});

describe("encryption", () => {
  const encrypted: SMTPServerOptions = { ...withLogin, disabledCommands: [], allowInsecureAuth: false };

  function trustTestCertificate(): void {
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, certificate]);
    afterThis(async () => setDefaultCACertificates(before));
  }

  it("is made by STARTTLS unless told otherwise", async () => {
    trustTestCertificate();
    const server = await serve({ ...encrypted, key, cert: certificate });
    const host = createFakeHost({ name: "email", secrets });
    const method = await connectTo(server.port, host, login);
    expect(await method.ready(createCall(host))).toEqual({ status: "ready" });
    await method.start(ask, createCall(host));
    expect(server.mails.map(({ secure, user }) => [secure, user])).toEqual([[true, "agentkeys"]]);
  });

  it("is there from the first byte with tls", async () => {
    trustTestCertificate();
    const server = await serve({ ...encrypted, secure: true, key, cert: certificate });
    const host = createFakeHost({ name: "email", secrets });
    const method = await connectTo(server.port, host, { ...login, security: "tls" });
    await method.start(ask, createCall(host));
    expect(server.mails.map(({ secure, user }) => [secure, user])).toEqual([[true, "agentkeys"]]);
  });

  it("is demanded of a server that offers none: no login and no mail", async () => {
    const logins: string[] = [];
    const server = await serve({
      ...withLogin,
      onAuth: ({ username }, _session, done) => {
        logins.push(username ?? "");
        done(null, { user: "anybody" });
      },
    });
    const host = createFakeHost({ name: "email", secrets });
    const method = await connectTo(server.port, host, login);
    expect(await method.ready(createCall(host))).toMatchObject({ status: "unready" });
    expect(await codeOf(method.start(ask, createCall(host)))).toBe("ERR_AUTH_UNAVAILABLE");
    expect([logins, server.mails]).toEqual([[], []]);
  });

  it.each([
    ["starttls", {}],
    ["tls", { secure: true }],
  ])("with a certificate nobody vouches for is none (%s)", async (security, options) => {
    const server = await serve({ ...encrypted, ...options, key, cert: certificate });
    const host = createFakeHost({ name: "email", secrets });
    const method = await connectTo(server.port, host, { ...login, security });
    expect(await method.ready(createCall(host))).toMatchObject({
      status: "unready",
      reason: expect.stringMatching(/self-signed certificate/u),
    });
    expect(await codeOf(method.start(ask, createCall(host)))).toBe("ERR_AUTH_UNAVAILABLE");
    expect(server.mails).toEqual([]);
  });
});

describe("what is sent", () => {
  it("is one mail a connection, ended by QUIT", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    await method.start(ask, createCall(host));
    await method.start(ask, createCall(host));
    expect([server.mails.length, server.seen()]).toEqual([2, 2]);
    await expect.poll(() => server.open()).toBe(0);
  });

  it("reaches an address outside ASCII where the server can (SMTPUTF8, RFC 6531)", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    await method.start({ email: "jürgen@bücher.example" }, createCall(host));
    // The server shows the A-label it got as a U-label.
    expect(server.mails[0]?.to).toEqual(["jürgen@bücher.example"]);
    expect(tokenIn(textOf(server.mails[0]?.raw ?? ""))).toHaveLength(43);
  });

  it("names a sender outside ASCII by an encoded word", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const smtp = { host: "127.0.0.1", port: server.port, security: "none" };
    const method = await openPlugin({ from: "Schlüssel <login@acme.example>", transport: "smtp", smtp }, host);
    await method.start(ask, createCall(host));
    expect(headerOf(server.mails[0]?.raw ?? "", "from")).toMatch(
      /^=\?UTF-8\?Q\?Schl=C3=BCssel\?= <login@acme\.example>$/u,
    );
  });
});
