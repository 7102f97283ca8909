import type { PluginHost, Readiness } from "@agentkeys/core";
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import type { SesSettings } from "./config.ts";
import type { MailTransport, Sender } from "./mail.ts";

/**
 * Sends by the Amazon SES API v2. Without `credentials` the AWS SDK looks for its own (environment, profile, web identity, container,
 * instance). It needs `ses:SendEmail`, and for readiness `ses:GetAccount` and `ses:GetEmailIdentity`. Throws ERR_CONFIG_SECRET when
 * the secret access key cannot be opened.
 *
 * @example
 * const transport = await openSes(sender, settings, host);
 * await transport.ready(AbortSignal.timeout(5000)); // { status: "ready" }
 */
export async function openSes(
  sender: Sender,
  settings: SesSettings,
  host: Pick<PluginHost, "secret">,
): Promise<MailTransport> {
  const { region, endpoint, credentials } = settings;
  const keys = credentials && { ...credentials, secretAccessKey: await host.secret(credentials.secretAccessKey) };
  const client = new SESv2Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(keys !== undefined && { credentials: keys }),
  });
  const closing = new AbortController();

  /** The SDK does not ask the signal while it looks for credentials, so the wait for it ends here. */
  async function within<Result>(signal: AbortSignal, work: (options: Options) => Promise<Result>): Promise<Result> {
    const abortSignal = AbortSignal.any([signal, closing.signal]);
    abortSignal.throwIfAborted();
    const aborted = new Promise<never>((_resolve, reject) => {
      abortSignal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    });
    return Promise.race([work({ abortSignal }), aborted]);
  }

  /** Whether one of the identities that would let the sender send is verified. */
  async function isVerified(options: Options): Promise<boolean> {
    for (const identity of identitiesOf(sender.address)) {
      try {
        const found = await client.send(new GetEmailIdentityCommand({ EmailIdentity: identity }), options);
        if (found.VerifiedForSendingStatus === true) return true;
      } catch (error) {
        if (nameOf(error) !== "NotFoundException") throw error;
      }
    }
    return false;
  }

  async function askReadiness(options: Options): Promise<Readiness> {
    const account = await client.send(new GetAccountCommand({}), options);
    if (account.SendingEnabled !== true) return say("unready", "sending is disabled for this account and region");
    if (!(await isVerified(options))) return say("unready", `no verified identity covers the sender ${sender.address}`);
    if (account.ProductionAccessEnabled !== true)
      return say("degraded", "in the sandbox only verified addresses get mail");
    return { status: "ready" };
  }

  return {
    async deliver(mail, signal) {
      // SES has no SMTPUTF8: it would call the whole request bad.
      if (!/^[\x21-\x7e]+$/u.test(mail.to)) return { outcome: "refused", code: "not ASCII" };
      const command = new SendEmailCommand({
        FromEmailAddress: formatSender(sender),
        Destination: { ToAddresses: [mail.to] },
        Content: {
          Simple: {
            Subject: { Data: mail.subject, Charset: "UTF-8" },
            Body: {
              Text: { Data: mail.text, Charset: "UTF-8" },
              ...(mail.html !== undefined && { Html: { Data: mail.html, Charset: "UTF-8" } }),
            },
            Headers: [{ Name: "Auto-Submitted", Value: "auto-generated" }],
          },
        },
        // A tracked link would lead through somebody else's server with the token in it.
        ConfigurationOverrides: { Tracking: { OpenTrackingEnabled: "DISABLED", ClickTrackingEnabled: "DISABLED" } },
      });
      try {
        await within(signal, (options) => client.send(command, options));
        return { outcome: "sent" };
      } catch (error) {
        return { outcome: "failed", code: signal.aborted ? "late" : nameOf(error) };
      }
    },
    async ready(signal) {
      try {
        return await within(signal, askReadiness);
      } catch (error) {
        if (signal.aborted) return say("unready", "no answer in time");
        if (nameOf(error) === "AccessDeniedException")
          return say("degraded", "not allowed to ask (ses:GetAccount, ses:GetEmailIdentity)");
        return say("unready", `${nameOf(error)}: ${(error as Error).message}`);
      }
    },
    async close() {
      closing.abort();
      client.destroy();
    },
  };
}

interface Options {
  readonly abortSignal: AbortSignal;
}

/** A verified domain covers every address and subdomain below it. */
function identitiesOf(address: string): readonly string[] {
  const labels = address.slice(address.lastIndexOf("@") + 1).split(".");
  return [address, ...labels.slice(0, -1).map((_label, at) => labels.slice(at).join("."))];
}

/** The From header's value; a name that is not ASCII as an encoded word (RFC 2047), which SES asks for. */
function formatSender({ name, address }: Sender): string {
  if (name === "") return address;
  const isAscii = /^[\x20-\x7e]+$/u.test(name);
  return `${isAscii ? `"${name}"` : `=?UTF-8?B?${Buffer.from(name).toString("base64")}?=`} <${address}>`;
}

function say(status: "degraded" | "unready", reason: string): Readiness {
  return { status, reason: `Amazon SES: ${reason}` };
}

/** The name of an SES or SDK error, or the code of a network one. */
function nameOf(error: unknown): string {
  const { name, code } = error as { readonly name?: string; readonly code?: string };
  return code ?? name ?? "unknown";
}
