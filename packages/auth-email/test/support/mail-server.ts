import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A mail as the server took it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** The whole message with its headers. */
  readonly raw: string;
  /** Whether the connection was encrypted, and who had logged in. */
  readonly secure: boolean;
  readonly user: string | undefined;
}

/** A real SMTP server with its mailbox. */
export interface MailServer {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  /** Connections open now. */
  open(): number;
  /** Connections there ever were. */
  seen(): number;
  close(): Promise<void>;
}

/** Starts an SMTP server on a free loopback port. Without options it offers neither TLS nor login. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let connections = 0;
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    authOptional: true,
    disableReverseLookup: true,
    onConnect(_session, done) {
      connections += 1;
      done();
    },
    onData(stream, { envelope, secure, user }, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ from, to, raw: Buffer.concat(chunks).toString(), secure, user: user as string | undefined });
        done();
      });
    },
    ...options,
  });
  // A client that breaks off a handshake is what some of the tests are about.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    open: () => server.connections.size,
    seen: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of server.connections) connection.close();
      }),
  };
}

/** The text/plain part of a message, decoded. */
export function textOf(raw: string): string {
  const part = /Content-Type: text\/plain[^]*?\r\n\r\n[^]*?(?=\r\n--|$)/u.exec(raw)?.[0] ?? "";
  const [headers = "", ...body] = part.split("\r\n\r\n");
  const text = body.join("\r\n\r\n");
  if (/base64/u.test(headers)) return Buffer.from(text, "base64").toString();
  if (!/quoted-printable/u.test(headers)) return text;
  const bytes = text
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/gu, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** The value of a header, unfolded. */
export function headerOf(raw: string, name: string): string | undefined {
  const [headers = ""] = raw.split("\r\n\r\n");
  return new RegExp(`^${name}: (.*)$`, "imu").exec(headers.replaceAll(/\r\n[ \t]+/gu, " "))?.[1]?.trim();
}

/** The token of the one link in a text, which leads to the broker. */
export function tokenIn(text: string, broker = "https://keys.example"): string {
  const [, url, token = ""] = /^(.*)\/auth\/email\/link#token=(\S+)$/mu.exec(text) ?? [];
  return url === broker ? token : "";
}
