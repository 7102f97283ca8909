import { Signature, toBeHex } from "ethers";
import { describe, expect, it } from "vitest";
import { findSignatureFault, recoverSigner } from "../src/personal-signature.ts";

/** EIP-191 version 0x45, as the documentation of web3.js shows it for the key 0x4c0883a6…2318. */
const someData = {
  message: "Some data",
  address: "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23",
  signature:
    "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c",
};
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe("a personal signature (EIP-191)", () => {
  it("gives the address that web3.js documents", async () => {
    expect(findSignatureFault(someData.signature)).toBeUndefined();
    expect(await recoverSigner(someData.message, someData.signature)).toBe(someData.address);
    expect(await recoverSigner("Other data", someData.signature)).not.toBe(someData.address);
  });

  it("has one spelling: the twin with a high s, which recovers to the same address, is refused (EIP-2)", () => {
    const { r, s } = Signature.from(someData.signature);
    expect(findSignatureFault(`${r}${toBeHex(order - BigInt(s), 32).slice(2)}1b`)).toMatch(/upper half/u);
    expect(findSignatureFault(`${r}${toBeHex((order - 1n) / 2n, 32).slice(2)}1b`)).toBeUndefined();
  });

  it.each(["00", "01", "1a", "1d", "25"])("ends in 27 or 28, not in 0x%s", (last) => {
    expect(findSignatureFault(`${someData.signature.slice(0, -2)}${last}`)).toMatch(/27 or 28/u);
  });

  it.each([
    ["nothing", ""],
    ["no prefix", someData.signature.slice(2)],
    ["a byte more", `${someData.signature}00`],
    ["the compact form of EIP-2098", Signature.from(someData.signature).compactSerialized],
    ["a line feed behind", `${someData.signature}\n`],
  ])("is 0x and 130 hex digits: %s is refused", (_what, text) => {
    expect(findSignatureFault(text)).toMatch(/130 hex digits/u);
  });

  it("gives nothing for numbers that are no signature", async () => {
    for (const [r, s] of [
      [0n, 1n],
      [1n, 0n],
      [order, 1n],
    ] as const)
      expect(await recoverSigner("Some data", `${toBeHex(r, 32)}${toBeHex(s, 32).slice(2)}1b`)).toBeUndefined();
  });
});
