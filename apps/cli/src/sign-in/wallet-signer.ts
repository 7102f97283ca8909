import type { HDNodeWallet } from "ethers";
import { deriveSolanaKey } from "../wallet/solana-key.ts";
import { assertSiweMessage } from "./siwe-message.ts";
import { assertSiwsMessage } from "./siws-message.ts";

/** A key of a wallet, as a sign-in needs it. */
export interface WalletSigner {
  readonly address: string;
  /** The chain that the message has to name. */
  readonly chainId: number | string;
  /** Where it stands in the tree of keys. */
  readonly path: string;
  /** Signs a sign-in message of this broker and this key. Throws ERR_AUTH_BROKER for any other text. */
  signMessage(message: string, broker: string): Promise<string>;
}

/** The Ethereum key of a wallet, or (where there is an index) the Solana key of that index and the same words. */
export async function signerOf(wallet: HDNodeWallet, solana: number | undefined): Promise<WalletSigner> {
  return solana === undefined ? ethereumSigner(wallet) : solanaSigner(wallet, solana);
}

function ethereumSigner(wallet: HDNodeWallet): WalletSigner {
  const { address } = wallet;
  const chainId = 1;
  return {
    address,
    chainId,
    path: wallet.path ?? "",
    async signMessage(message, broker) {
      assertSiweMessage(message, { broker, address, chainId });
      return wallet.signMessage(message);
    },
  };
}

async function solanaSigner({ mnemonic }: HDNodeWallet, index: number): Promise<WalletSigner> {
  if (mnemonic === null) throw new Error("a wallet is kept with its words");
  const { address, path, signText } = await deriveSolanaKey(mnemonic.phrase, index);
  const chainId = "solana:mainnet";
  return {
    address,
    chainId,
    path,
    async signMessage(message, broker) {
      assertSiwsMessage(message, { broker, address, chainId });
      return signText(message);
    },
  };
}
