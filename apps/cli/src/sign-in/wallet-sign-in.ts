import { tokenSchema, type BrokerConnection } from "@agentkeys/client";
import * as v from "valibot";
import {
  claimOf,
  identitySchema,
  signedInOf,
  type LinkedIdentity,
  type SignedIn,
  type SignInStart,
} from "./sign-in.ts";
import type { WalletSigner } from "./wallet-signer.ts";

const challengeSchema = v.object({ challenge_id: v.string(), message: v.string() });

/**
 * Signs in with a wallet's key: the broker writes the message, and it is signed only when it names this broker and this key. Throws
 * ERR_AUTH_BROKER otherwise.
 */
export async function signInWithWallet(start: SignInStart, signer: WalletSigner): Promise<SignedIn> {
  const { connection, claimCode } = start;
  const ask = { path: "/v1/auth/walletsig/start", show: "nothing", json: claimOf(claimCode) } as const;
  const json = await proveWallet(connection, signer, ask);
  const path = "/v1/auth/walletsig/finish";
  return signedInOf(await connection.ask({ method: "POST", path, json, show: "key" }, tokenSchema));
}

/** Links a wallet's key to the account that is signed in. Throws as {@link signInWithWallet} does, and ERR_AUTH_IDENTITY. */
export async function linkWallet(connection: BrokerConnection, signer: WalletSigner): Promise<LinkedIdentity> {
  const json = await proveWallet(connection, signer, { path: "/v1/account/identities/walletsig/start" });
  return connection.ask({ method: "POST", path: "/v1/account/identities", json }, identitySchema);
}

/** Asks for a message, and signs it. */
async function proveWallet(
  connection: BrokerConnection,
  signer: WalletSigner,
  { path, show, json }: { readonly path: string; readonly show?: "nothing"; readonly json?: object },
) {
  const challenge = await connection.ask(
    {
      method: "POST",
      path,
      json: { address: signer.address, chain_id: signer.chainId, ...json },
      ...(show === undefined ? {} : { show }),
    },
    challengeSchema,
  );
  const { challenge_id: id, message } = challenge;
  return { challenge_id: id, message, signature: await signer.signMessage(message, connection.broker) };
}
