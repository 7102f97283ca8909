import type { Readiness } from "@agentkeys/core";

/** Who the mails come from. */
export interface Sender {
  readonly address: string;
  /** Display name, without control characters and quotes. */
  readonly name: string;
}

/** One mail to one person. No value of it holds a line break but `text` and `html`. */
export interface Mail {
  /** A canonical email identity. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

/**
 * What became of a mail. `sent`: a mail server took it. `refused`: it would not take this recipient. `failed`: everything else.
 * `code` ("late" when the signal ended it) is for the log and holds neither an address nor a part of the mail, which a server's own words may.
 */
export type Delivery = { readonly outcome: "sent" } | { readonly outcome: "refused" | "failed"; readonly code: string };

/** A way to send mail. */
export interface MailTransport {
  /** Hands one mail over. Never throws for a remote fault; ends soon after `signal` aborts, with no connection left. */
  deliver(mail: Mail, signal: AbortSignal): Promise<Delivery>;
  /** Asks the real thing whether it would send for the configured sender. Never throws for a remote fault. */
  ready(signal: AbortSignal): Promise<Readiness>;
  /** After it resolves no socket or timer of it lives. */
  close(): Promise<void>;
}
