import { inspect } from "node:util";
import type { Json, Page, UserAuthMethod } from "@agentkeys/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import email from "../src/index.ts";
import { codeOf } from "./support/codes.ts";
import { openPlugin } from "./support/open.ts";
import { createCall, createFakeHost, type FakeHost } from "@agentkeys/testkit";
import { headerOf, startMailServer, textOf, tokenIn, type MailServer } from "./support/mail-server.ts";

let server: MailServer;
let host: FakeHost;
let method: UserAuthMethod;

beforeAll(async () => {
  server = await startMailServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  host = createFakeHost({ name: "email" });
  method = await openPlugin(
    {
      from: "AgentKeys <login@acme.example>",
      transport: "smtp",
      smtp: { host: "127.0.0.1", port: server.port, security: "none" },
    },
    host,
  );
});

/** Starts a sign-in and reads the token out of the mail that came of it. */
async function tokenFor(address: string): Promise<string> {
  await method.start({ email: address }, createCall(host));
  return tokenIn(textOf(server.mails.at(-1)?.raw ?? ""));
}

const post = (token: string): Promise<Page | undefined> | undefined =>
  method.page?.({ method: "POST", path: "link", fields: { token } }, createCall(host));

describe("signing in by a link", () => {
  it("proves the address when the link of the mail is opened, posted and finished", async () => {
    const challenge = await method.start({ email: " Ada@Example.COM " }, createCall(host));
    expect(challenge.expiresAt).toBe(host.now() + 600_000);

    const mail = server.mails.at(-1);
    expect(mail?.to).toEqual(["ada@example.com"]);
    const token = tokenIn(textOf(mail?.raw ?? ""));
    expect(Buffer.from(token, "base64url")).toHaveLength(32);

    const opened = await method.page?.({ method: "GET", path: "link", fields: {} }, createCall(host));
    expect(opened).toMatchObject({
      kind: "form",
      action: "link",
      fields: [{ name: "token", type: "hidden", fragment: "token" }],
    });

    const confirm = await post(token);
    expect(confirm).toMatchObject({ kind: "confirm", challengeId: challenge.id, answer: { token } });
    const answer = (confirm as { answer: Json }).answer;
    expect(await method.finish(answer, createCall(host))).toEqual({
      challengeId: challenge.id,
      identity: { type: "email", value: "ada@example.com" },
      amr: ["email"],
    });
  });

  it("says in the mail what is asked, where the code is typed and when to ignore it, in text and in HTML", async () => {
    const token = await tokenFor("ada@example.com");
    const raw = server.mails.at(-1)?.raw ?? "";
    expect(headerOf(raw, "from")).toBe("AgentKeys <login@acme.example>");
    expect(headerOf(raw, "to")).toBe("ada@example.com");
    expect(headerOf(raw, "subject")).toBe("Sign in at keys.example");
    expect(headerOf(raw, "date")).toBe("Thu, 01 Jan 2026 00:00:00 +0000");
    expect(headerOf(raw, "auto-submitted")).toBe("auto-generated");
    const text = textOf(raw);
    expect(text).toMatch(/shows who asked/u);
    expect(text).toMatch(/type there the code shown by the program/u);
    expect(text).toMatch(/within 10 minutes/u);
    expect(text).toMatch(/If you did not ask, ignore this mail/u);
    const html = raw.replaceAll("=\r\n", "").replaceAll("=3D", "=");
    expect(html).toContain(`<a href="https://keys.example/auth/email/link#token=${token}">`);
  });

  it("keeps the token to the mail: neither the answer nor the store nor the log nor a metric has it", async () => {
    const challenge = await method.start({ email: "ada@example.com" }, createCall(host));
    const token = tokenIn(textOf(server.mails.at(-1)?.raw ?? ""));
    expect(token).not.toBe("");
    expect(inspect([challenge, host.store.entries(), host.logs, host.metrics], { depth: 20 })).not.toContain(token);
    expect(challenge.public).toEqual({});
  });

  it("is proven once, whatever comes after", async () => {
    const token = await tokenFor("ada@example.com");
    await method.finish({ token }, createCall(host));
    expect(await codeOf(method.finish({ token }, createCall(host)))).toBe("ERR_AUTH_CHALLENGE");
    expect(await post(token)).toMatchObject({ kind: "message", outcome: "refused" });
  });

  it("is proven by exactly one of many that finish at once", async () => {
    const token = await tokenFor("ada@example.com");
    const codes = await Promise.all(
      Array.from({ length: 20 }, () => codeOf(method.finish({ token }, createCall(host)))),
    );
    expect(codes.filter((code) => code === "no error")).toHaveLength(1);
    expect(codes.filter((code) => code === "ERR_AUTH_CHALLENGE")).toHaveLength(19);
  });

  it("is not spent by a scanner that opens or posts the page as often as it likes", async () => {
    const token = await tokenFor("ada@example.com");
    const before = host.store.entries();
    for (let time = 0; time < 5; time += 1) {
      await method.page?.({ method: "GET", path: "link", fields: { token } }, createCall(host));
      await post(token);
    }
    expect(host.store.entries()).toEqual(before);
    expect(await codeOf(method.finish({ token }, createCall(host)))).toBe("no error");
  });

  it("tells nothing of a link on a GET, even with the token in the query", async () => {
    const token = await tokenFor("ada@example.com");
    const live = await method.page?.({ method: "GET", path: "link", fields: { token } }, createCall(host));
    const unknown = await method.page?.({ method: "GET", path: "link", fields: { token: "x" } }, createCall(host));
    expect(live).toEqual(unknown);
  });

  it("looks the same when it is unknown, used or expired", async () => {
    const used = await tokenFor("ada@example.com");
    await method.finish({ token: used }, createCall(host));
    const expired = await tokenFor("ada@example.com");
    host.advance(600_000);
    const outcomes = await Promise.all(
      [used, expired, "A".repeat(43), ""].map(async (token) => {
        const refusal: unknown = await method.finish({ token }, createCall(host)).catch((error: unknown) => error);
        return JSON.stringify([refusal, (refusal as Error).message, await post(token)]);
      }),
    );
    expect(outcomes[0]).toContain("ERR_AUTH_CHALLENGE");
    expect(new Set(outcomes).size).toBe(1);
  });

  it("lives until the last moment before it expires", async () => {
    const token = await tokenFor("ada@example.com");
    host.advance(599_999);
    expect(await codeOf(method.finish({ token }, createCall(host)))).toBe("no error");
  });

  it("is not opened by its token in another spelling", async () => {
    const token = await tokenFor("ada@example.com");
    const other = [`${token}=`, ` ${token}`, `${token}\n`, token.toLowerCase(), token.slice(0, -1), `${token}A`];
    for (const spelling of other.filter((text) => text !== token)) {
      expect(await codeOf(method.finish({ token: spelling }, createCall(host)))).toBe("ERR_AUTH_CHALLENGE");
    }
    expect(await codeOf(method.finish({ token }, createCall(host)))).toBe("no error");
  });

  it("leads to the section's own name and lives as long as configured", async () => {
    const named = createFakeHost({ name: "mail" });
    const smtp = { host: "127.0.0.1", port: server.port, security: "none" };
    const other = await openPlugin({ from: "a@b.example", transport: "smtp", smtp, link_ttl: "1m" }, named);
    const { expiresAt } = await other.start({ email: "ada@example.com" }, createCall(host));
    expect(expiresAt).toBe(host.now() + 60_000);
    const text = textOf(server.mails.at(-1)?.raw ?? "");
    expect(text).toContain("https://keys.example/auth/mail/link#token=");
    expect(text).toContain("within 1 minute.");
  });

  it("has no other page", async () => {
    expect(await method.page?.({ method: "GET", path: "", fields: {} }, createCall(host))).toBeUndefined();
    expect(await method.page?.({ method: "POST", path: "link/x", fields: {} }, createCall(host))).toBeUndefined();
  });
});

describe("the limit of an address", () => {
  it("lets five mails out in an hour and says when the next may be asked for", async () => {
    const sent = server.mails.length;
    for (let time = 0; time < 5; time += 1) {
      await method.start({ email: "Ada@example.com" }, createCall(host));
      host.advance(60_000);
    }
    const refusal: unknown = await method
      .start({ email: "ada@example.com " }, createCall(host))
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "ERR_REQUEST_RATE_LIMITED", facts: { retryAfter: 55 * 60 } });
    expect(server.mails).toHaveLength(sent + 5);

    host.advance(55 * 60_000 - 1);
    expect(await codeOf(method.start({ email: "ada@example.com" }, createCall(host)))).toBe("ERR_REQUEST_RATE_LIMITED");
    host.advance(1);
    expect(await codeOf(method.start({ email: "ada@example.com" }, createCall(host)))).toBe("no error");
    expect(await codeOf(method.start({ email: "ada@example.com" }, createCall(host)))).toBe("ERR_REQUEST_RATE_LIMITED");
  });

  it("holds when many ask at once", async () => {
    const sent = server.mails.length;
    const asks = Array.from({ length: 12 }, () => codeOf(method.start({ email: "ada@example.com" }, createCall(host))));
    const codes = await Promise.all(asks);
    expect(codes.filter((code) => code === "no error")).toHaveLength(5);
    expect(server.mails).toHaveLength(sent + 5);
  });

  it("is kept in the store, so that a restart does not lift it", async () => {
    for (let time = 0; time < 5; time += 1) await method.start({ email: "ada@example.com" }, createCall(host));
    const smtp = { host: "127.0.0.1", port: server.port, security: "none" };
    const again = await openPlugin({ from: "a@b.example", transport: "smtp", smtp }, host);
    expect(await codeOf(again.start({ email: "ada@example.com" }, createCall(host)))).toBe("ERR_REQUEST_RATE_LIMITED");
  });

  it("is each address's own", async () => {
    for (let time = 0; time < 5; time += 1) await method.start({ email: "ada@example.com" }, createCall(host));
    expect(await codeOf(method.start({ email: "grace@example.com" }, createCall(host)))).toBe("no error");
  });
});

describe("telling the owner", () => {
  const owner = { type: "email", value: "ada@example.com" };

  it("sends the notice as plain text with the subject on one line", async () => {
    await method.notify?.(
      owner,
      { subject: "A new agent\r\nBcc: eve@evil.example\u2028x", text: "Agent build-7 was paired." },
      createCall(host),
    );
    const raw = server.mails.at(-1)?.raw ?? "";
    expect(headerOf(raw, "subject")).toBe("A new agent Bcc: eve@evil.example x");
    expect(headerOf(raw, "bcc")).toBeUndefined();
    expect(server.mails.at(-1)?.to).toEqual(["ada@example.com"]);
    expect(textOf(raw)).toContain("Agent build-7 was paired.");
    expect(raw).not.toContain("text/html");
  });

  it("is limited to ten an hour, apart from the links that strangers may ask for", async () => {
    for (let time = 0; time < 5; time += 1) await method.start({ email: owner.value }, createCall(host));
    const notice = { subject: "Notice", text: "Text" };
    for (let time = 0; time < 10; time += 1) await method.notify?.(owner, notice, createCall(host));
    expect(await codeOf(method.notify?.(owner, notice, createCall(host)))).toBe("ERR_REQUEST_RATE_LIMITED");
  });

  it("refuses an identity that is no email address", async () => {
    const wallet = { type: "evm", value: `0x${"0".repeat(40)}` };
    expect(await codeOf(method.notify?.(wallet, { subject: "s", text: "t" }, createCall(host)))).toBe(
      "ERR_REQUEST_MALFORMED",
    );
  });
});

describe("without a transport", () => {
  it("the method is there, unready with the reason, and starts nothing", async () => {
    const idle = await openPlugin({}, host);
    expect(await idle.ready(createCall(host))).toEqual({
      status: "unready",
      reason: 'no transport is configured: set transport = "smtp" or "ses" in [auth.email]',
    });
    const refusal: unknown = await idle
      .start({ email: "ada@example.com" }, createCall(host))
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "ERR_AUTH_UNAVAILABLE", facts: { method: "email" } });
    expect(host.store.entries().filter(({ key }) => key.startsWith("link:"))).toEqual([]);
    await idle.close();
  });

  it("is declared out of band and proves email identities only", () => {
    expect(email).toMatchObject({
      kind: "auth",
      name: "email",
      capabilities: ["out_of_band"],
      identityTypes: ["email"],
    });
  });
});
