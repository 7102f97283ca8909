import { hash } from "node:crypto";
import {
  AgentKeysError,
  canonicalIdentity,
  newIdentifier,
  type Call,
  type Page,
  type PluginHost,
  type Readiness,
  type UserAuthMethod,
} from "@agentkeys/core";
import * as v from "valibot";
import { spendAllowance } from "./allowance.ts";
import type { Mail, MailTransport } from "./mail.ts";
import { linkMail, noticeMail } from "./messages.ts";

/** Mails to one address in any hour, by purpose: links that strangers can ask for, notices that only the host sends. */
const linksAnHour = 5;
const noticesAnHour = 10;

/** A conversation with a mail server never takes longer, whatever the deadline. In milliseconds. */
const longestTalk = 60_000;

// In words of their own, since valibot's repeat what was sent.
const startBody = v.strictObject({ email: shortText("email", 320) }, "expected {email} and nothing else");
const finishBody = v.strictObject({ token: shortText("token", 128) }, "expected {token} and nothing else");
const emailIdentity = v.object({ type: v.literal("email", "type: expected email"), value: v.string() });

/** What the store keeps under the hash of a link's token. */
interface PendingLink {
  readonly challenge: string;
  readonly email: string;
}

/**
 * Sign-in by a link sent to an email address. Whoever opens the link proves to read the mailbox; that they are also the one who
 * started is the host's to check, by the user code on the confirm page. The token is known to the mail alone: the store has its
 * SHA-256, and a look-up by hash leaves nothing to compare in time that depends on the token.
 */
export function openLoginLink(
  linkSeconds: number,
  transport: MailTransport | undefined,
  host: PluginHost,
): UserAuthMethod {
  const { store } = host;

  /** True when a server took the mail. Throws ERR_AUTH_UNAVAILABLE unless the recipient alone was the reason. */
  async function send(mail: Mail, call: Call): Promise<boolean> {
    const delivery =
      transport === undefined ? noTransport : await inTime(call, (signal) => transport.deliver(mail, signal));
    host.metric(`emails_${delivery.outcome}`, 1);
    if (delivery.outcome === "sent") return true;
    host.log("warn", `email_${delivery.outcome}`, { code: delivery.code, request_id: call.requestId });
    // Looks like success, so that the answer does not tell whether the mailbox exists.
    if (delivery.outcome === "refused") return false;
    const reason = delivery.code === "late" ? "the mail server did not answer in time" : "no mail can be sent now";
    throw new AgentKeysError("ERR_AUTH_UNAVAILABLE", reason, { method: host.name, reason });
  }

  /** Aborts with the call, or when nine tenths of its time are gone: the rest is for taking back and answering. */
  async function inTime<Result>(call: Call, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), Math.min((call.deadline - host.now()) * 0.9, longestTalk));
    try {
      return await work(AbortSignal.any([call.signal, late.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async start(ask, call) {
      const { value: email } = canonicalIdentity("email", parse(startBody, ask).email);
      await spendAllowance(host, "link", email, linksAnHour);
      const id = newIdentifier("chl", host.random(16));
      const token = Buffer.from(host.random(32)).toString("base64url");
      const expiresAt = host.now() + linkSeconds * 1000;
      const key = linkKey(token);
      await store.put(key, { challenge: id, email }, linkSeconds);
      let isSent = false;
      try {
        isSent = await send(linkMail(email, host, token, linkSeconds), call);
      } finally {
        if (!isSent) await store.delete(key);
      }
      return { id, expiresAt, public: {} };
    },

    async finish(answer) {
      const link = (await store.take(linkKey(parse(finishBody, answer).token))) as unknown as PendingLink | undefined;
      if (link === undefined) {
        throw new AgentKeysError("ERR_AUTH_CHALLENGE", "the link is unknown, used or expired", {});
      }
      return { challengeId: link.challenge, identity: canonicalIdentity("email", link.email), amr: ["email"] };
    },

    async page({ method, path, fields }) {
      if (path !== "link") return undefined;
      if (method === "GET") return openingPage;
      const token = fields["token"] ?? "";
      const link = (await store.get(linkKey(token))) as unknown as PendingLink | undefined;
      if (link === undefined) return deadLinkPage;
      return {
        kind: "confirm",
        title: "Confirm that it is you",
        text: `The link was sent to ${link.email}. Go on only if you started this yourself.`,
        challengeId: link.challenge,
        answer: { token },
      };
    },

    async notify(identity, notice, call) {
      const { value: email } = canonicalIdentity("email", parse(emailIdentity, identity).value);
      await spendAllowance(host, "notice", email, noticesAnHour);
      await send(noticeMail(email, host.publicUrl, notice), call);
    },

    async ready(call) {
      return transport === undefined ? noTransportReadiness : inTime(call, (signal) => transport.ready(signal));
    },

    async close() {
      await transport?.close();
    },
  };
}

const noTransportReadiness: Readiness = {
  status: "unready",
  reason: 'no transport is configured: set transport = "smtp" or "ses" in [auth.email]',
};

const noTransport = { outcome: "failed", code: "no transport" } as const;

const openingPage: Page = {
  kind: "form",
  title: "Sign in by email",
  text: "Continue to see who asked for this link, and for what. Nothing happens before you confirm it.",
  fields: [{ name: "token", type: "hidden", fragment: "token" }],
  submit: "Continue",
  action: "link",
};

const deadLinkPage: Page = {
  kind: "message",
  outcome: "refused",
  title: "This link does not work",
  text: "It is unknown, used or expired. Start the sign-in again to get a new one.",
};

function linkKey(token: string): string {
  return `link:${hash("sha256", token, "base64url")}`;
}

function shortText(name: string, most: number): v.GenericSchema<unknown, string> {
  const fault = `${name}: expected text of at most ${most} characters`;
  return v.pipe(v.string(fault), v.maxLength(most, fault));
}

function parse<Shape>(shape: v.GenericSchema<unknown, Shape>, value: unknown): Shape {
  const parsed = v.safeParse(shape, value);
  if (parsed.success) return parsed.output;
  const issues = parsed.issues.map(({ message }) => message);
  throw new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}
