// Mail between a broker under test and people: a real SMTP server, and a browser's requests by hand.
import { textOf, tokenIn, type MailServer } from "../../../../packages/auth-email/test/support/mail-server.ts";
import type { Answer, Caller, TestBroker } from "./harness.ts";

/** The TOML that has a broker send by the server; `more` are further keys of `[auth.email]`. */
export function emailTable({ port }: MailServer, more = ""): string {
  return `[auth.email]
from = "AgentKeys <login@example.com>"
transport = "smtp"
${more}
[auth.email.smtp]
host = "127.0.0.1"
port = ${port}
security = "none"
`;
}

/** Token of the link that was mailed last. */
export function lastToken(broker: TestBroker, server: MailServer): string {
  return tokenIn(textOf(server.mails.at(-1)?.raw ?? ""), broker.url);
}

/** What a browser posts to the page behind a link. */
export async function postLink(
  broker: TestBroker,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const body = new URLSearchParams(fields);
  const response = await fetch(`${broker.url}/auth/email/link`, { method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

/** A link that somebody asked for, and what they hold to get what comes of it. */
export interface AskedLink {
  readonly pollToken: string;
  /** Opens the link and types the code. */
  readonly follow: () => Promise<void>;
}

/** Asks for a link that shall make an address the caller's. */
export async function askForLink(
  broker: TestBroker,
  server: MailServer,
  by: Caller,
  email: string,
  clientName = "a program",
): Promise<AskedLink> {
  const ask = { email, client_name: clientName };
  const { status, body } = await by.call("POST", "/v1/account/identities/email/start", ask);
  if (status !== 200) throw new Error(JSON.stringify(body));
  const token = lastToken(broker, server);
  return {
    pollToken: body.poll_token as string,
    async follow() {
      const { text } = await postLink(broker, { token, user_code: body.user_code as string });
      if (!text.includes("It is proven to be yours")) throw new Error(text);
    },
  };
}

/** Asks whether the link was followed: the identity, or that it is pending. */
export async function pollLink(by: Caller, pollToken: string): Promise<Answer> {
  return by.call("POST", "/v1/account/identities", { poll_token: pollToken });
}

/** Makes an address the caller's. */
export async function linkAddress(...ask: Parameters<typeof askForLink>): Promise<void> {
  const { follow, pollToken } = await askForLink(...ask);
  await follow();
  const { status, body } = await pollLink(ask[2], pollToken);
  if (status !== 201) throw new Error(JSON.stringify(body));
}
