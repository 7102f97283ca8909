import { checksumAddress } from "@agentkeys/core";

/** What a person signs to bind a wallet to an account. */
export interface BindingMessage {
  /** The broker's public URL. */
  readonly publicUrl: string;
  /** The account's OmniAccount, lower hex. */
  readonly account: string;
  /** Lower-case 0x address. */
  readonly address: string;
  readonly nonce: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/**
 * The text to sign as a personal message (EIP-191). It begins otherwise than a sign-in message (EIP-4361), so that a signature over
 * the one is none over the other.
 */
export function formatBindingMessage({ publicUrl, account, address, nonce, expiresAt }: BindingMessage): string {
  return [
    "Bind this wallet to your AgentKeys account.",
    "",
    `Broker: ${publicUrl}`,
    `Account: ${account}`,
    `Wallet: ${checksumAddress(address)}`,
    `Nonce: ${nonce}`,
    `Expiration Time: ${new Date(expiresAt).toISOString()}`,
    "",
    "The signature proves that you hold the key of this wallet. It moves no funds and lets nobody spend.",
  ].join("\n");
}
