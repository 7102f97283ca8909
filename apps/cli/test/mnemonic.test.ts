import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lockWallet, unlockWallet } from "../src/wallet/keystore.ts";
import { deriveWallet, derivationPath, makeMnemonic, parseMnemonic, rootOf, wordsOf } from "../src/wallet/mnemonic.ts";

// The English vectors of BIP-39, as published in trezor/python-mnemonic (MIT): entropy, words, seed, root key; password TREZOR.
const vectors: [string, string, string, string][] = JSON.parse(
  readFileSync(new URL("bip39-vectors.json", import.meta.url), "utf8"),
);

describe("BIP-39", () => {
  it.each(vectors)("the vector of entropy %s holds", async (entropy, words, _seed, root) => {
    expect(wordsOf(Buffer.from(entropy, "hex"))).toBe(words);
    expect(parseMnemonic(words)).toBe(words);
    expect((await rootOf(words, "TREZOR")).extendedKey).toBe(root);
  });

  it("words as people write them are read", () => {
    const [, words] = vectors[0]!;
    expect(parseMnemonic(`\n  ${words.toUpperCase().replaceAll(" ", "\n ")} \n`)).toBe(words);
  });

  it.each([
    ["nothing", ""],
    ["a word that is none", "abandon ".repeat(11) + "abandonn"],
    ["a wrong checksum", "abandon ".repeat(12)],
    ["eleven words", "abandon ".repeat(10) + "about"],
    ["words of another language", "abaisser ".repeat(12)],
  ])("%s is refused", (_, words) => {
    expect(() => parseMnemonic(words)).toThrow(expect.objectContaining({ name: "UsageError" }));
  });

  it("a refusal does not repeat what was typed", () => {
    expect(() => parseMnemonic("abandon hunter2")).toThrow(/^word 2 is not/u);
  });

  it("new words are as many as asked, valid, and not the same twice", () => {
    for (const count of [12, 24] as const) {
      const [one, other] = [makeMnemonic(count), makeMnemonic(count)];
      expect(one.split(" ")).toHaveLength(count);
      expect(parseMnemonic(one)).toBe(one);
      expect(one).not.toBe(other);
    }
  });

  it("any words survive being written with other blanks and case", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (entropy) => {
        const words = wordsOf(entropy);
        expect(parseMnemonic(` ${words.replaceAll(" ", " \t").toUpperCase()}`)).toBe(words);
      }),
      { numRuns: 50 },
    );
  });
});

describe("the wallet", () => {
  // The development words that Hardhat and Foundry publish with their addresses.
  const words = "test test test test test test test test test test test junk";

  it("has the published address of published words at m/44'/60'/0'/0/0", async () => {
    expect(derivationPath).toBe("m/44'/60'/0'/0/0");
    expect((await deriveWallet(words)).address).toBe("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
  });

  it("is locked as Web3 Secret Storage version 3 and comes back, words and all, by its passphrase alone", async () => {
    const wallet = await deriveWallet(words);
    const json = await lockWallet(wallet, "correct horse");
    const stored = JSON.parse(json);
    expect(stored).toMatchObject({ version: 3, Crypto: { kdf: "scrypt", cipher: "aes-128-ctr" } });
    expect(stored.Crypto.kdfparams.n).toBeGreaterThanOrEqual(131_072);
    expect(json).not.toMatch(/junk|test/u);
    expect((await unlockWallet(json, "correct horse", wallet.address)).mnemonic?.phrase).toBe(words);
    await expect(unlockWallet(json, "wrong horse", wallet.address)).rejects.toMatchObject({
      code: "ERR_WALLET_PASSPHRASE",
    });
  });

  it("that is of another address, or is damaged, is refused", async () => {
    const wallet = await deriveWallet(words);
    const json = await lockWallet(wallet, "correct horse");
    const other = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    await expect(unlockWallet(json, "correct horse", other)).rejects.toMatchObject({ code: "ERR_CONFIG_KEY_FILE" });
    await expect(unlockWallet("{}", "correct horse", wallet.address)).rejects.toMatchObject({
      code: "ERR_CONFIG_KEY_FILE",
    });
    const withoutWords = JSON.stringify({ ...JSON.parse(json), "x-ethers": undefined });
    await expect(unlockWallet(withoutWords, "correct horse", wallet.address)).rejects.toMatchObject({
      code: "ERR_CONFIG_KEY_FILE",
    });
  });
});
