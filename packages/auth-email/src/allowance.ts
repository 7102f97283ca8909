import { AgentKeysError, type PluginHost } from "@agentkeys/core";

const windowSeconds = 3600;

/**
 * Spends one of the `most` mails of a purpose that an address may get in any hour, or throws ERR_REQUEST_RATE_LIMITED with the
 * seconds until one is free again. A mail counts from the attempt on, sent or not, so that the answer depends on nothing but how
 * often was asked. Each allowed mail is a key of its own that lives for the hour: durable, and exact under concurrent calls.
 */
export async function spendAllowance(
  host: Pick<PluginHost, "now" | "store">,
  purpose: "link" | "notice",
  address: string,
  most: number,
): Promise<void> {
  const prefix = `${purpose}-sent:${address}:`;
  const freeAt = host.now() + windowSeconds * 1000;
  for (let slot = 0; slot < most; slot += 1) {
    if (await host.store.claim(`${prefix}${slot}`, freeAt, windowSeconds)) return;
  }
  const times = (await host.store.list(prefix, most)).map(({ value }) => Number(value));
  const wait = Math.ceil((Math.min(...times, freeAt) - host.now()) / 1000);
  const retryAfter = Math.min(Math.max(wait, 1), windowSeconds);
  throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", "too many mails to this address within an hour", { retryAfter });
}
