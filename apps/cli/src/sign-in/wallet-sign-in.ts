import { tokenSchema } from "@agentkeys/client";
import type { HDNodeWallet } from "ethers";
import * as v from "valibot";
import { assertSiweMessage } from "./siwe-message.ts";
import { signedInOf, type SignedIn, type SignInStart } from "./sign-in.ts";

const challengeSchema = v.object({ challenge_id: v.string(), message: v.string() });
const chainId = 1;

/**
 * Signs in with a wallet (EIP-4361): the broker writes the message, and it is signed only when it names this broker and this
 * wallet. Throws ERR_AUTH_BROKER otherwise.
 */
export async function signInWithWallet(start: SignInStart, wallet: HDNodeWallet): Promise<SignedIn> {
  const { connection, claimCode } = start;
  const challenge = await connection.ask(
    {
      method: "POST",
      path: "/v1/auth/walletsig/start",
      json: {
        address: wallet.address,
        chain_id: chainId,
        ...(claimCode === undefined ? {} : { claim_code: claimCode }),
      },
      show: "nothing",
    },
    challengeSchema,
  );
  const { challenge_id: id, message } = challenge;
  assertSiweMessage(message, { broker: connection.broker, address: wallet.address, chainId });
  const signature = await wallet.signMessage(message);
  const json = { challenge_id: id, message, signature };
  const path = "/v1/auth/walletsig/finish";
  return signedInOf(await connection.ask({ method: "POST", path, json, show: "key" }, tokenSchema));
}
