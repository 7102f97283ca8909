import type { BrokerConnection } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";
import type { HDNodeWallet } from "ethers";
import * as v from "valibot";

const challengeSchema = v.object({ challenge_id: v.string(), message: v.string() });
const handleSchema = v.object({ address: v.string(), family: v.string(), custody: v.string() });
const walletsSchema = v.object({ wallets: v.array(handleSchema) });

/** A wallet bound to the account, as the broker tells it. */
export type BoundWallet = v.InferOutput<typeof handleSchema>;

/** The wallets bound to the account. */
export async function listWallets(connection: BrokerConnection): Promise<readonly BoundWallet[]> {
  return (await connection.ask({ method: "GET", path: "/v1/wallets" }, walletsSchema)).wallets;
}

/**
 * Binds a wallet to the account: the broker writes a text, and the wallet signs it (EIP-191) when it names this broker, this
 * account and this wallet. Binding again changes nothing. Throws ERR_AUTH_BROKER for another text.
 */
export async function bindWallet(
  connection: BrokerConnection,
  account: string,
  wallet: HDNodeWallet,
): Promise<BoundWallet> {
  const address = wallet.address.toLowerCase();
  const challenge = await connection.ask(
    { method: "POST", path: "/v1/wallets/start", json: { address } },
    challengeSchema,
  );
  assertBindingText(challenge.message, { broker: connection.broker, account, address });
  const signature = await wallet.signMessage(challenge.message);
  const json = { challenge_id: challenge.challenge_id, signature };
  return connection.ask({ method: "POST", path: "/v1/wallets/finish", json }, handleSchema);
}

/** Throws ERR_AUTH_BROKER unless broker, account and address each stand in the text as a word of their own. */
export function assertBindingText(
  text: string,
  expected: { readonly broker: string; readonly account: string; readonly address: string },
): void {
  const words = new Set(text.split(/\s+/u).map((word) => word.replace(/[.,;]$/u, "")));
  const lower = new Set(Array.from(words, (word) => word.toLowerCase()));
  for (const [what, value] of Object.entries(expected)) {
    if (what === "broker" ? words.has(value) : lower.has(value)) continue;
    throw new AgentKeysError(
      "ERR_AUTH_BROKER",
      `the text to sign does not name the ${what} ${value}; nothing was signed`,
      { expected: value, found: text.slice(0, 500) },
    );
  }
}
