import { readFileSync } from "node:fs";
import { Signature, toBeHex } from "ethers";
import { SiweMessage } from "siwe";
import { afterAll, describe, expect, it } from "vitest";
import { findSignatureFault } from "../src/personal-signature.ts";
import { RecoveryThread } from "../src/recovery-thread.ts";
import { ada } from "./support/sign-in.ts";

/** Signatures that the authors of siwe published (github.com/spruceid/siwe, test/verification_*.json). */
function readVectors(name: string): [string, { message: string; address: string; signature: string }][] {
  const path = new URL(`./vectors/siwe-verification-${name}.json`, import.meta.url);
  const vectors = JSON.parse(readFileSync(path, "utf8")) as Record<
    string,
    ConstructorParameters<typeof SiweMessage>[0]
  >;
  return Object.entries(vectors).flatMap(([title, fields]) => {
    const { address, signature } = fields as unknown as { address: string; signature: string };
    try {
      return [[title, { address, signature, message: new SiweMessage(fields).toMessage() }]];
    } catch {
      return [];
    }
  });
}

const thread = new RecoveryThread("walletsig");
afterAll(() => thread.close());
const recoverSigner = (text: string, signature: string): Promise<string | undefined> => thread.recover(text, signature);

/** EIP-191 version 0x45, as the documentation of web3.js shows it for the key 0x4c0883a6…2318. */
const someData = {
  message: "Some data",
  address: "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23",
  signature:
    "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c",
};

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe("recovering the signer of a personal message (EIP-191)", () => {
  it("gives the address that web3.js documents", async () => {
    expect(findSignatureFault(someData.signature)).toBeUndefined();
    expect(await recoverSigner(someData.message, someData.signature)).toBe(someData.address.toLowerCase());
  });

  it.each(readVectors("positive").filter(([title]) => title !== "recovery byte starting at 0"))(
    "gives the address of siwe's vector %j",
    async (_title, { message, address, signature }) => {
      expect(findSignatureFault(signature)).toBeUndefined();
      expect(await recoverSigner(message, signature)).toBe(address.toLowerCase());
    },
  );

  it.each(readVectors("negative").filter(([title]) => title === "wrong signature"))(
    "gives another address for siwe's vector %j",
    async (_title, { message, address, signature }) => {
      expect(findSignatureFault(signature)).toBeUndefined();
      expect(await recoverSigner(message, signature)).not.toBe(address.toLowerCase());
    },
  );

  it("tells the characters of the text from its bytes", async () => {
    const message = "Grüße an 🙂";
    expect(await recoverSigner(message, await ada.signMessage(message))).toBe(ada.address.toLowerCase());
  });

  it("gives nothing for numbers that are no signature, and for a text that is no Unicode", async () => {
    const of = (r: bigint, s: bigint): string => `${toBeHex(r, 32)}${toBeHex(s, 32).slice(2)}1b`;
    for (const signature of [of(0n, 1n), of(1n, 0n), of(order, 1n), of(order - 1n, 0n)])
      expect(await recoverSigner("Some data", signature)).toBeUndefined();
    expect(await recoverSigner("\ud800", someData.signature)).toBeUndefined();
  });
});

describe("the form of a signature", () => {
  const { r, s, v } = Signature.from(someData.signature);
  const upper = `${r}${toBeHex(order - BigInt(s), 32).slice(2)}${v === 27 ? "1c" : "1b"}`;

  it("has one spelling: the twin with a high s, which recovers to the same address, is refused (EIP-2)", () => {
    expect(findSignatureFault(upper)).toMatch(/upper half/u);
    const half = toBeHex((order - 1n) / 2n, 32).slice(2);
    expect(findSignatureFault(`${r}${half}1b`)).toBeUndefined();
    expect(findSignatureFault(`${r}${toBeHex((order + 1n) / 2n, 32).slice(2)}1b`)).toMatch(/upper half/u);
  });

  it.each(["00", "01", "1a", "1d", "25", "ff"])("ends in 27 or 28, not in 0x%s", (last) => {
    expect(findSignatureFault(`${someData.signature.slice(0, -2)}${last}`)).toMatch(/27 or 28/u);
  });

  it("of siwe's vector with a recovery byte of 1 is refused", () => {
    const [vector] = readVectors("positive").filter(([title]) => title === "recovery byte starting at 0");
    expect(findSignatureFault(vector![1].signature)).toMatch(/27 or 28/u);
  });

  it.each([
    ["nothing", ""],
    ["no prefix", someData.signature.slice(2)],
    ["a digit less", someData.signature.slice(0, -1)],
    ["a byte more", `${someData.signature}00`],
    ["the compact form of EIP-2098", Signature.from(someData.signature).compactSerialized],
    ["a letter that is no digit", `0xg${someData.signature.slice(3)}`],
    ["a blank behind", `${someData.signature} `],
    ["a line feed behind", `${someData.signature}\n`],
  ])("is 0x and 130 hex digits: %s is refused", (_what, text) => {
    expect(findSignatureFault(text)).toMatch(/130 hex digits/u);
  });
});
