import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isIdentifier, newIdentifier, newRecordId, toCrockford } from "../src/index.ts";

const bytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });

describe("newRecordId", () => {
  it("gives the UUIDv7 of RFC 9562 appendix A.6", () => {
    // rand_a is 0xCC3 and rand_b 0b01, 0x8C4DC0C0C07398F: the nibbles that the version and the variant cover are free.
    const random = Uint8Array.from(Buffer.from("cc3f18c4dc0c0c07398f", "hex"));
    expect(newRecordId(0x017f22e279b0, random)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });
  it("keeps 74 bits of the random bytes, and the whole time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), bytes(10), (time, random) => {
        const hex = newRecordId(time, random).replaceAll("-", "");
        const value = BigInt(`0x${Buffer.from(random).toString("hex")}`);
        expect(Number.parseInt(hex.slice(0, 12), 16)).toBe(time);
        expect(hex[12]).toBe("7");
        expect(BigInt(`0x${hex.slice(13, 16)}`)).toBe(value >> 68n);
        expect(BigInt(`0x${hex.slice(16)}`)).toBe((2n << 62n) | (value & ((1n << 62n) - 1n)));
      }),
    );
  });
  it("sorts by time as text", () => {
    const [early, late] = [999, 1000].map((time) => newRecordId(time, new Uint8Array(10).fill(255)));
    expect(early! < late!).toBe(true);
  });
});

describe("newIdentifier", () => {
  it.each([
    ["", ""],
    ["00", "00"],
    ["ff", "zw"],
    ["0123456789abcdef0123456789abcdef", "04hmasw9nf6yy0938nkrkaydxw"],
  ])("%s in Crockford base32 is %s", (hex, text) => {
    expect(toCrockford(Buffer.from(hex, "hex"))).toBe(text);
  });
  it("is a prefix and 26 characters that give the 16 bytes back", () => {
    fc.assert(
      fc.property(bytes(16), (random) => {
        const text = newIdentifier("grn", random);
        const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
        const value = Array.from(text.slice(4)).reduce((sum, digit) => sum * 32n + BigInt(alphabet.indexOf(digit)), 0n);
        expect(isIdentifier("grn", text)).toBe(true);
        expect(value).toBe(BigInt(`0x${Buffer.from(random).toString("hex")}`) << 2n);
      }),
    );
  });
  it.each([
    "grn_7h3k9m2p5r8t1w4y6a0c3e5g7",
    "grn_7h3k9m2p5r8t1w4y6a0c3e5g7gg",
    "agt_7h3k9m2p5r8t1w4y6a0c3e5g7g",
    "grn-7h3k9m2p5r8t1w4y6a0c3e5g7g",
    "grn_7H3K9M2P5R8T1W4Y6A0C3E5G7G",
    "grn_ih3k9m2p5r8t1w4y6a0c3e5g7g",
    "grn_uh3k9m2p5r8t1w4y6a0c3e5g7g",
    "grn_7h3k9m2p5r8t1w4y6a0c3e5g7g\n",
    "grn_",
    "",
  ])("%j is no identifier of a grant", (text) => {
    expect(isIdentifier("grn", text)).toBe(false);
  });
});
