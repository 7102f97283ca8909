import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isSolanaSignature } from "../../../packages/auth-walletsig/src/solana-signature.ts";
import { deriveSolanaKey, deriveTreeNode, publicBytesOf, signingKeyOf } from "../src/wallet/solana-key.ts";

interface Vector {
  readonly seed: string;
  readonly steps: readonly number[];
  /** Chain code, private and public key of the root and after each step. */
  readonly nodes: readonly (readonly [string, string, string])[];
}

// The Ed25519 vectors that SLIP-0010 publishes.
const vectors: Vector[] = JSON.parse(readFileSync(new URL("slip10-vectors.json", import.meta.url), "utf8"));
const cases = vectors.flatMap(({ seed, steps, nodes }) =>
  nodes.map((node, count) => ({ seed, steps: steps.slice(0, count), node })),
);

describe("SLIP-0010", () => {
  it.each(cases)("the vector of seed $seed at $steps holds", ({ seed, steps, node }) => {
    const { chainCode, secret } = deriveTreeNode(Buffer.from(seed, "hex"), steps);
    const key = publicBytesOf(signingKeyOf(secret));
    expect([chainCode, secret, key].map((bytes) => bytes.toString("hex"))).toEqual(node);
  });
});

describe("a Solana key", () => {
  // The words of Solana's cookbook, with the addresses it publishes for them.
  const words = "neither lonely flavor argue grass remind eye tag avocado spot unusual intact";

  it.each([
    [0, "5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N"],
    [1, "GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv"],
    [9, "6frdqXQAgJMyKwmZxkLYbdGjnYTvUceh6LNhkQt2siQp"],
  ])("of index %i has the address that is published for its words", async (index, address) => {
    expect(await deriveSolanaKey(words, index)).toMatchObject({ address, path: `m/44'/501'/${index}'/0'` });
  });

  it("signs texts so that the broker's plug-in takes them, by its own address and text alone", async () => {
    const [one, other] = [await deriveSolanaKey(words, 0), await deriveSolanaKey(words, 1)];
    const signature = one.signText("Grüße");
    expect(isSolanaSignature(one.address, "Grüße", signature)).toBe(true);
    expect(isSolanaSignature(one.address, "Gruesse", signature)).toBe(false);
    expect(isSolanaSignature(other.address, "Grüße", signature)).toBe(false);
  });
});
