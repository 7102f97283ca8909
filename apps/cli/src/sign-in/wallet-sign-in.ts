import { tokenSchema, type BrokerConnection } from "@agentkeys/client";
import type { HDNodeWallet } from "ethers";
import * as v from "valibot";
import { assertSiweMessage } from "./siwe-message.ts";
import {
  claimOf,
  identitySchema,
  signedInOf,
  type LinkedIdentity,
  type SignedIn,
  type SignInStart,
} from "./sign-in.ts";

const challengeSchema = v.object({ challenge_id: v.string(), message: v.string() });
const chainId = 1;

/**
 * Signs in with a wallet (EIP-4361): the broker writes the message, and it is signed only when it names this broker and this
 * wallet. Throws ERR_AUTH_BROKER otherwise.
 */
export async function signInWithWallet(start: SignInStart, wallet: HDNodeWallet): Promise<SignedIn> {
  const { connection, claimCode } = start;
  const ask = { path: "/v1/auth/walletsig/start", show: "nothing", json: claimOf(claimCode) } as const;
  const json = await proveWallet(connection, wallet, ask);
  const path = "/v1/auth/walletsig/finish";
  return signedInOf(await connection.ask({ method: "POST", path, json, show: "key" }, tokenSchema));
}

/** Links a wallet to the account that is signed in. Throws as {@link signInWithWallet} does, and ERR_AUTH_IDENTITY. */
export async function linkWallet(connection: BrokerConnection, wallet: HDNodeWallet): Promise<LinkedIdentity> {
  const json = await proveWallet(connection, wallet, { path: "/v1/account/identities/walletsig/start" });
  return connection.ask({ method: "POST", path: "/v1/account/identities", json }, identitySchema);
}

/** Asks for a message, and signs it. */
async function proveWallet(
  connection: BrokerConnection,
  wallet: HDNodeWallet,
  { path, show, json }: { readonly path: string; readonly show?: "nothing"; readonly json?: object },
) {
  const challenge = await connection.ask(
    {
      method: "POST",
      path,
      json: { address: wallet.address, chain_id: chainId, ...json },
      ...(show === undefined ? {} : { show }),
    },
    challengeSchema,
  );
  const { challenge_id: id, message } = challenge;
  assertSiweMessage(message, { broker: connection.broker, address: wallet.address, chainId });
  return { challenge_id: id, message, signature: await wallet.signMessage(message) };
}
