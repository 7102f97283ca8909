import { inspect } from "node:util";
import { array, assert, asyncProperty, constantFrom, jsonValue } from "fast-check";
import type { Json } from "@agentkeys/core";
import { describe, expect, it } from "vitest";
import { codeOf } from "./support/codes.ts";
import { createCall, createFakeHost } from "@agentkeys/testkit";
import { headerOf } from "./support/mail-server.ts";
import { openPlugin } from "./support/open.ts";
import { connectTo, serve } from "./support/smtp.ts";

describe("bad input", () => {
  it("is refused with its path and sends nothing", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const bodies: Json[] = [
      null,
      "ada@example.com",
      [],
      {},
      { email: 1 },
      { email: "" },
      { email: "ada" },
      { email: "ada@example.com", name: "Ada" },
      { email: "ada@example.com\r\nBcc: eve@evil.example" },
      { email: "ada@example.com, eve@evil.example" },
      { email: "Ada <ada@example.com>" },
      { email: `${"a".repeat(320)}@example.com` },
    ];
    for (const body of bodies)
      expect([body, await codeOf(method.start(body, createCall(host)))]).toEqual([body, "ERR_REQUEST_MALFORMED"]);
    for (const body of [null, [], {}, { token: 1 }, { token: "a", extra: true }] as Json[]) {
      expect([body, await codeOf(method.finish(body, createCall(host)))]).toEqual([body, "ERR_REQUEST_MALFORMED"]);
    }
    expect(server.mails).toEqual([]);
    expect(host.store.entries()).toEqual([]);
  });

  it("is not repeated in the error that refuses it", async () => {
    const host = createFakeHost({ name: "email" });
    const method = await openPlugin({}, host);
    const token = "A".repeat(43);
    for (const body of [
      token,
      [token],
      { token: [token] },
      { token: token.repeat(3) },
      { token, more: token },
    ] as Json[]) {
      const refusal: unknown = await method.finish(body, createCall(host)).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "ERR_REQUEST_MALFORMED" });
      expect(inspect(refusal, { depth: 20 })).not.toContain(token);
    }
  });

  it("never gets anything but a coded error, whatever JSON it is", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    await assert(
      asyncProperty(jsonValue(), async (body) => {
        expect(await codeOf(method.finish(body as Json, createCall(host)))).toBe("ERR_REQUEST_MALFORMED");
        expect(await codeOf(method.start(body as Json, createCall(host)))).toBe("ERR_REQUEST_MALFORMED");
        expect(await codeOf(method.finish({ token: JSON.stringify(body).slice(0, 128) }, createCall(host)))).toBe(
          "ERR_AUTH_CHALLENGE",
        );
      }),
    );
  });

  it("never becomes a second header or recipient, whatever the address is", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const pieces = ["a", "\r\n", "\n", ",", ";", " ", "<", ">", '"', "@", "b.example", "\u2028", "é", "\0", "Bcc:"];
    const addresses = array(constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    await assert(
      asyncProperty(addresses, async (local) => {
        const sent = server.mails.length;
        const code = await codeOf(method.start({ email: `${local}@example.com` }, createCall(host)));
        const news = server.mails.slice(sent);
        expect(code).toMatch(/^(no error|ERR_REQUEST_MALFORMED|ERR_REQUEST_RATE_LIMITED)$/u);
        expect(news.map(({ to, raw }) => [to.length, headerOf(raw, "bcc"), headerOf(raw, "subject")])).toEqual(
          code === "no error" ? [[1, undefined, "Sign in at keys.example"]] : [],
        );
      }),
    );
  });
});
