import { authCases, registerConformance, type AuthFixture, type AuthPerson } from "@agentkeys/testkit";
import { it } from "vitest";
import email from "../src/index.ts";
import { openDoor } from "./support/far-side.ts";
import { startMailServer, textOf, tokenIn, type ReceivedMail } from "./support/mail-server.ts";

const madeUp = "A".repeat(43);

/** Reads the newest mail of an address that was not read before; without one, an answer is made up. */
function personWith(address: string, mails: readonly ReceivedMail[]): AuthPerson {
  const read = new Set<ReceivedMail>();
  return {
    ask: { email: address },
    identity: { type: "email", value: address },
    prove() {
      const mail = mails.findLast(({ to }) => to.includes(address));
      if (mail === undefined || read.has(mail)) return { token: madeUp };
      read.add(mail);
      return { token: tokenIn(textOf(mail.raw)) };
    },
  };
}

async function makeFixture(): Promise<AuthFixture> {
  const server = await startMailServer();
  const door = await openDoor(server.port);
  return {
    plugin: email,
    config: {
      from: "AgentKeys <login@acme.example>",
      transport: "smtp",
      smtp: { host: "127.0.0.1", port: door.port, security: "none" },
    },
    farSide: door,
    people: [personWith("ada@example.com", server.mails), personWith("grace@example.com", server.mails)],
    wrongProofs: () => [{ token: madeUp }, { token: "" }, { token: "link:" }],
    malformedAsks: [
      { email: "ada" },
      { email: "ada@example.com\r\nBcc: eve@evil.example" },
      { email: "ada@example.com, eve@evil.example" },
    ],
    malformedAnswers: (_challenge, answer) => [{ token: 7 }, { ...(answer as object), email: "eve@evil.example" }],
    browse: (_challenge, answer) => [
      { method: "GET", path: "link", fields: {} },
      { method: "POST", path: "link", fields: { token: (answer as { token: string }).token } },
    ],
    inbox: ({ identity }) => server.mails.filter(({ to }) => to.includes(identity.value)).map(({ raw }) => textOf(raw)),
    async close() {
      await door.close();
      await server.close();
    },
  };
}

registerConformance({ it }, authCases, makeFixture);
