import type { PluginHost } from "@agentkeys/core";
import MailComposer from "nodemailer/lib/mail-composer";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpSettings } from "./config.ts";
import type { Delivery, Mail, MailTransport, Sender } from "./mail.ts";

/** Bounds a conversation that no signal ends, in milliseconds. */
const patience = 60_000;

/**
 * Sends by SMTP (RFC 5321, 6409) with nodemailer, one connection a mail. With `security` "tls" or "starttls" nothing is said to a
 * server without a valid certificate for `host`. Throws ERR_CONFIG_SECRET when the password cannot be opened.
 *
 * @example
 * const transport = await openSmtp(sender, settings, host);
 * await transport.deliver({ to: "ada@example.com", subject: "Hello", text: "…" }, AbortSignal.timeout(5000));
 */
export async function openSmtp(
  sender: Sender,
  settings: SmtpSettings,
  host: Pick<PluginHost, "now" | "secret">,
): Promise<MailTransport> {
  const { security, login } = settings;
  const credentials =
    login === undefined ? undefined : { user: login.username, pass: await host.secret(login.password) };
  const open = new Set<SMTPConnection>();

  /** One conversation up to QUIT. Rejects with nodemailer's error, or plainly when the connection ends first. */
  async function converse(signal: AbortSignal, work?: (connection: SMTPConnection, done: Done) => void): Promise<void> {
    const connection = new SMTPConnection({
      host: settings.host,
      port: settings.port,
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      connectionTimeout: patience,
      socketTimeout: patience,
      socketCloseTimeout: 0,
    });
    const hangUp = (): void => connection.close();
    open.add(connection);
    const broken = new Promise<never>((_resolve, reject) => {
      connection.on("error", reject);
      connection.once("end", () => {
        open.delete(connection);
        reject(new Error("the connection ended"));
      });
    });
    // Once the conversation is over nobody waits for this any more.
    broken.catch(() => undefined);
    const step = (begin: (done: Done) => void): Promise<void> => Promise.race([broken, settle(begin)]);
    signal.addEventListener("abort", hangUp, { once: true });
    try {
      signal.throwIfAborted();
      await step((done) => connection.connect(done));
      if (credentials !== undefined) await step((done) => connection.login({ credentials }, done));
      if (work !== undefined) await step((done) => work(connection, done));
      connection.quit();
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", hangUp);
    }
  }

  return {
    async deliver(mail, signal) {
      const message = await compose(mail, sender, host.now());
      const envelope = { from: sender.address, to: [mail.to], size: message.length };
      try {
        await converse(signal, (connection, done) => connection.send(envelope, message, done));
        return { outcome: "sent" };
      } catch (error) {
        return signal.aborted ? { outcome: "failed", code: "late" } : explain(error as SmtpError);
      }
    },
    async ready(signal) {
      try {
        await converse(signal);
        return { status: "ready" };
      } catch (error) {
        const reason = signal.aborted ? "no answer in time" : (error as Error).message.trim();
        return { status: "unready", reason: `the SMTP server ${settings.host}:${settings.port}: ${reason}` };
      }
    },
    async close() {
      for (const connection of open) connection.close();
    },
  };
}

/** What nodemailer says of a failure. */
interface SmtpError extends Error {
  readonly code?: string;
  /** The system's or OpenSSL's code, where nodemailer put its own in place. */
  readonly originalCode?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/**
 * A reply to RCPT TO is about the recipient, unless it says that the server is going away (421), wants a login (530) or has a
 * policy against us (enhanced status x.7.x, RFC 3463): then nobody would get a mail, and it must not look like a dead mailbox.
 */
function explain({ code, originalCode, command, responseCode, response }: SmtpError): Delivery {
  const status = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/u.exec(response ?? "")?.[1];
  const isRefusal = command === "RCPT TO" && responseCode !== 421 && responseCode !== 530 && status?.at(2) !== "7";
  const words = [code ?? "closed", originalCode, command, responseCode, status].filter((word) => word !== undefined);
  return { outcome: isRefusal ? "refused" : "failed", code: words.join(" ") };
}

function compose(mail: Mail, sender: Sender, now: number): Promise<Buffer> {
  const composer = new MailComposer({
    from: sender,
    to: { name: "", address: mail.to },
    subject: mail.subject,
    text: mail.text,
    ...(mail.html !== undefined && { html: mail.html }),
    date: new Date(now),
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

type Done = (error?: Error | null) => void;

function settle(begin: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    begin((error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}
