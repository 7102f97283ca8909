import { expect, it } from "vitest";
import { fromBase58, toBase58 } from "../src/base58.ts";

// draft-msporny-base58, section 5.
it.each([
  ["Hello World!", "2NEpo7TZRRrLZSi2U"],
  ["The quick brown fox jumps over the lazy dog.", "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"],
])("writes %j as the draft's test vector does, and reads it back", (text, encoded) => {
  const bytes = Buffer.from(text);
  expect(toBase58(bytes)).toBe(encoded);
  expect(fromBase58(encoded, bytes.length)).toEqual(Uint8Array.from(bytes));
});

it("keeps the zero bytes in front: 32 of them are Solana's System Program", () => {
  expect(toBase58(new Uint8Array(32))).toBe("1".repeat(32));
  expect(toBase58(Buffer.from("0000287fb4cd", "hex"))).toBe("11233QC4");
});

it("reads no other size, no other spelling and no other alphabet", () => {
  expect(fromBase58("1".repeat(32), 32)).toEqual(new Uint8Array(32));
  for (const text of ["1".repeat(31), "1".repeat(33), "z".repeat(44), "0".repeat(32), "l".repeat(32), "", "é"]) {
    expect(fromBase58(text, 32)).toBeUndefined();
  }
});
