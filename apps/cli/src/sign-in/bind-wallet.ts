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
  const { address } = wallet;
  const challenge = await connection.ask(
    { method: "POST", path: "/v1/wallets/start", json: { address } },
    challengeSchema,
  );
  assertBindingText(challenge.message, { broker: connection.broker, account, address });
  const signature = await wallet.signMessage(challenge.message);
  const json = { challenge_id: challenge.challenge_id, signature };
  return connection.ask({ method: "POST", path: "/v1/wallets/finish", json }, handleSchema);
}

const firstLine = "Bind this wallet to your AgentKeys account.";

/**
 * Throws ERR_AUTH_BROKER unless the text begins as wallet-keystore's does, so that it is no sign-in message for somebody else's
 * site, and its lines name this broker, this account and this wallet.
 */
export function assertBindingText(
  text: string,
  { broker, account, address }: { readonly broker: string; readonly account: string; readonly address: string },
): void {
  const [first, ...lines] = text.split("\n");
  for (const [name, value] of [
    ["Broker", broker],
    ["Account", account],
    ["Wallet", address],
  ] as const) {
    const named = lines.filter((line) => line.startsWith(`${name}: `));
    const [found] = named.map((line) => line.slice(name.length + 2));
    if (first === firstLine && named.length === 1 && found === value) continue;
    const shown = JSON.stringify(first === firstLine ? (found ?? "") : text.slice(0, 200));
    throw new AgentKeysError(
      "ERR_AUTH_BROKER",
      `the text to sign names ${shown} where it must name ${name.toLowerCase()} ${value}; nothing was signed`,
      { expected: value, found: found ?? "" },
    );
  }
}
