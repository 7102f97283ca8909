import { createServer, type AddressInfo, type Socket } from "node:net";
import { inspect } from "node:util";
import type { SMTPServerOptions } from "smtp-server";
import { describe, expect, it } from "vitest";
import { codeOf } from "./support/codes.ts";
import { createCall, createFakeHost } from "@agentkeys/testkit";
import { startMailServer, textOf, tokenIn } from "./support/mail-server.ts";
import { afterThis, connectTo, linksOf, serve } from "./support/smtp.ts";

const ask = { email: "ada@example.com" };

type Refusing = "onMailFrom" | "onRcptTo" | "onData";

function refusing(command: Refusing, responseCode: number, message: string): SMTPServerOptions {
  const refusal = Object.assign(new Error(message), { responseCode });
  if (command === "onMailFrom") return { onMailFrom: (_address, _session, done) => done(refusal) };
  if (command === "onRcptTo") return { onRcptTo: (_address, _session, done) => done(refusal) };
  return {
    onData(stream, _session, done) {
      stream.resume();
      stream.on("end", () => done(refusal));
    },
  };
}

describe("a server that refuses", () => {
  it.each([
    [550, "5.1.1 no such user"],
    [452, "4.2.2 mailbox full"],
    [550, "unknown"],
  ])("the recipient (%s %s) is not told from one that took the mail", async (responseCode, words) => {
    const server = await serve(refusing("onRcptTo", responseCode, words));
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const challenge = await method.start(ask, createCall(host));
    expect(challenge).toEqual({ id: expect.stringMatching(/^chl_/u), expiresAt: host.now() + 600_000, public: {} });
    expect(host.logs).toMatchObject([
      { event: "email_refused", fields: { code: expect.stringMatching(/^EENVELOPE RCPT TO/u) } },
    ]);
    expect(inspect(host.logs)).not.toContain("ada@example.com");
    expect(host.metrics).toEqual([{ name: "emails_refused", value: 1 }]);
    expect(linksOf(host)).toEqual([]);
  });

  it.each<[Refusing, number, string, SMTPServerOptions?]>([
    ["onRcptTo", 550, "5.7.1 relaying denied"],
    ["onRcptTo", 530, "authentication required"],
    ["onRcptTo", 421, "going away"],
    ["onMailFrom", 553, "5.1.8 bad sender"],
    ["onData", 554, "5.6.0 no"],
    ["onData", 451, "4.3.0 later"],
    ["onRcptTo", 421, "going away", { hidePIPELINING: true }],
  ] as const)(
    "us (%s %s %s) makes the method unavailable, and the link dead",
    async (command, responseCode, words, options = {}) => {
      const server = await serve({ ...refusing(command, responseCode, words), ...options });
      const host = createFakeHost({ name: "email" });
      const method = await connectTo(server.port, host);
      expect(await codeOf(method.start(ask, createCall(host)))).toBe("ERR_AUTH_UNAVAILABLE");
      expect(host.logs).toMatchObject([{ event: "email_failed" }]);
      expect(linksOf(host)).toEqual([]);
      await expect.poll(() => server.open()).toBe(0);
    },
  );

  it("with the mail in its words gets neither address nor token into error or log", async () => {
    let echo = "";
    const server = await serve({
      onData(stream, { envelope }, done) {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          echo = `${tokenIn(textOf(Buffer.concat(chunks).toString()))} ${envelope.rcptTo[0]?.address}`;
          done(Object.assign(new Error(`5.7.1 spam: ${echo}`), { responseCode: 554 }));
        });
      },
    });
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const refusal: unknown = await method.start(ask, createCall(host)).catch((error: unknown) => error);
    expect(echo).toMatch(/^\S{43} ada@example\.com$/u);
    const said = inspect([refusal, host.logs], { depth: 20 });
    for (const word of echo.split(" ")) expect(said).not.toContain(word);
  });
});

describe("a server that hangs", () => {
  const never = (): void => undefined;
  const hanging: [string, SMTPServerOptions][] = [
    ["before the greeting", { onConnect: never }],
    ["at the sender", { onMailFrom: never }],
    ["at the recipient", { onRcptTo: never }],
    ["after the mail", { onData: (stream) => stream.resume() }],
  ];

  it.each(hanging)("%s is given up before the deadline, with nothing left behind", async (_stage, options) => {
    const server = await serve(options);
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const call = createCall(host, { timeout: 500 });
    const refusal: unknown = await method.start(ask, call).catch((error: unknown) => error);
    expect(call.signal.aborted).toBe(false);
    expect(refusal).toMatchObject({
      code: "ERR_AUTH_UNAVAILABLE",
      facts: { reason: "the mail server did not answer in time" },
    });
    expect(linksOf(host)).toEqual([]);
    await expect.poll(() => server.open()).toBe(0);
  });

  it.each(hanging)("%s is let go when the caller is gone", async (_stage, options) => {
    const server = await serve(options);
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const caller = new AbortController();
    const started = codeOf(method.start(ask, createCall(host, { timeout: 60_000, signal: caller.signal })));
    await expect.poll(() => server.open()).toBe(1);
    caller.abort();
    expect(await started).toBe("ERR_AUTH_UNAVAILABLE");
    expect(linksOf(host)).toEqual([]);
    await expect.poll(() => server.open()).toBe(0);
  });

  it("is unready, since it did not answer in time", async () => {
    const server = await serve({ onConnect: never });
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    expect(await method.ready(createCall(host, { timeout: 200 }))).toEqual({
      status: "unready",
      reason: `the SMTP server 127.0.0.1:${server.port}: no answer in time`,
    });
  });

  it("keeps no connection once the plug-in is closed", async () => {
    const server = await serve({ onData: (stream) => stream.resume() });
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    const started = codeOf(method.start(ask, createCall(host, { timeout: 60_000 })));
    await expect.poll(() => server.open()).toBe(1);
    await method.close();
    await method.close();
    expect(await started).toBe("ERR_AUTH_UNAVAILABLE");
    await expect.poll(() => server.open()).toBe(0);
  });

  it("is not even dialled for a caller who is gone already", async () => {
    const server = await serve();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    expect(await codeOf(method.start(ask, createCall(host, { timeout: 60_000, signal: AbortSignal.abort() })))).toBe(
      "ERR_AUTH_UNAVAILABLE",
    );
    expect(server.seen()).toBe(0);
  });
});

describe("a server that breaks off", () => {
  /** Speaks just enough SMTP, and cuts the connection at the first line that matches. */
  async function serveUntil(cut: RegExp | undefined): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      if (cut === undefined) {
        socket.destroy();
        return;
      }
      socket.write("220 mail.test\r\n");
      socket.on("data", (chunk) => {
        const line = chunk.toString();
        if (cut.test(line)) socket.destroy();
        else socket.write(line.startsWith("DATA") ? "354 go\r\n" : "250 ok\r\n");
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    afterThis(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  it.each([
    ["before the greeting", undefined],
    ["at the first word", /^EHLO/u],
    ["in the middle of the mail", /Subject/u],
  ])("%s makes the method unavailable", async (_stage, cut) => {
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(await serveUntil(cut), host);
    expect(await codeOf(method.start(ask, createCall(host)))).toBe("ERR_AUTH_UNAVAILABLE");
    expect(linksOf(host)).toEqual([]);
  });

  it("is no different from one that is not there", async () => {
    const server = await startMailServer();
    await server.close();
    const host = createFakeHost({ name: "email" });
    const method = await connectTo(server.port, host);
    expect(await method.ready(createCall(host))).toMatchObject({
      status: "unready",
      reason: expect.stringMatching(/ECONNREFUSED/u),
    });
    expect(await codeOf(method.start(ask, createCall(host)))).toBe("ERR_AUTH_UNAVAILABLE");
    expect(host.logs).toMatchObject([{ fields: { code: "ESOCKET ECONNREFUSED CONN" } }]);
  });
});
