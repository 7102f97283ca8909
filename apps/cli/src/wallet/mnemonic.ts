import { randomBytes } from "node:crypto";
import { entropyToMnemonic, mnemonicToSeed, validateMnemonic, wordlists } from "bip39";
import { HDNodeWallet } from "ethers";
import { UsageError } from "../usage-error.ts";

/** Where the account's key stands in the tree of keys (BIP-44, coin type 60). */
export const derivationPath = "m/44'/60'/0'/0/0";

const english = wordlists["english"] ?? [];

/** New BIP-39 words from the system's random source: 24 of them, or 12. */
export function makeMnemonic(words: 12 | 24): string {
  return wordsOf(randomBytes(words === 24 ? 32 : 16));
}

/** The English words of 16 to 32 bytes of entropy. */
export function wordsOf(entropy: Uint8Array): string {
  return entropyToMnemonic(Buffer.from(entropy), english);
}

/**
 * The canonical words of text as people write them: any blanks, any case. Throws UsageError for words that are not 12, 15, 18, 21
 * or 24 English BIP-39 words with a right checksum.
 */
export function parseMnemonic(text: string): string {
  const words = text.normalize("NFKD").trim().toLowerCase().split(/\s+/u);
  const unknown = words.findIndex((word) => !english.includes(word));
  // The word itself is not repeated: it may be a whole secret typed in the wrong place.
  if (unknown >= 0) throw new UsageError(`word ${unknown + 1} is not one of the 2,048 English BIP-39 words`);
  const mnemonic = words.join(" ");
  if (!validateMnemonic(mnemonic, english)) throw new UsageError("the words are too few, too many or in a wrong order");
  return mnemonic;
}

/** The root of the tree of keys (BIP-32) of words and the BIP-39 password that some wallets add. */
export async function rootOf(mnemonic: string, password = ""): Promise<HDNodeWallet> {
  return HDNodeWallet.fromSeed(await mnemonicToSeed(mnemonic, password));
}

/** The wallet of words, at {@link derivationPath}, in the form that can be written with its words. */
export async function deriveWallet(mnemonic: string): Promise<HDNodeWallet> {
  const wallet = HDNodeWallet.fromPhrase(mnemonic, "", derivationPath);
  // Two libraries on the one thing that cannot be repaired later.
  const { address } = (await rootOf(mnemonic)).derivePath(derivationPath);
  if (address !== wallet.address) throw new Error("two derivations of the same words differ");
  return wallet;
}
