import { AgentKeysError } from "@agentkeys/core";
import { HDNodeWallet, Wallet } from "ethers";

/** The wallet's words under a passphrase: Web3 Secret Storage version 3 (scrypt), the words in ethers' `x-ethers` member. */
export async function lockWallet(wallet: HDNodeWallet, passphrase: string): Promise<string> {
  return wallet.encrypt(passphrase);
}

/**
 * Opens what {@link lockWallet} made, that of `address` where one is given. Throws ERR_WALLET_PASSPHRASE for another passphrase,
 * ERR_CONFIG_KEY_FILE for damage.
 */
export async function unlockWallet(json: string, passphrase: string, address?: string): Promise<HDNodeWallet> {
  const name = address ?? "in the file";
  const wallet = await open(json, passphrase, name);
  if (!(wallet instanceof HDNodeWallet) || wallet.mnemonic === null) throw damaged(name, "it holds no words");
  if (address !== undefined && wallet.address !== address) throw damaged(name, "it holds the words of another address");
  return wallet;
}

async function open(json: string, passphrase: string, address: string): Promise<HDNodeWallet | Wallet> {
  try {
    return await Wallet.fromEncryptedJson(json, passphrase);
  } catch (error) {
    if (error instanceof Error && (error as { shortMessage?: unknown }).shortMessage === "incorrect password") {
      throw new AgentKeysError(
        "ERR_WALLET_PASSPHRASE",
        "the passphrase does not open the wallet",
        {},
        { cause: error },
      );
    }
    throw damaged(address, "it is not a Web3 Secret Storage file", error);
  }
}

function damaged(address: string, reason: string, cause?: unknown): AgentKeysError {
  return new AgentKeysError(
    "ERR_CONFIG_KEY_FILE",
    `wallet ${address}: ${reason}`,
    { path: address, reason },
    { cause },
  );
}
