import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, fromBase64, fromHex, toBase64, toHex } from "../src/index.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_PROOF" });
const bytes = fc.uint8Array({ maxLength: 20_000, size: "max" });

describe("base64 and hex", () => {
  it("are those of Node.js, for bytes of any length, and read back", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(toBase64(value)).toBe(Buffer.from(value).toString("base64"));
        expect(toHex(value)).toBe(Buffer.from(value).toString("hex"));
        expect(equalBytes(fromBase64(toBase64(value)), value)).toBe(true);
        expect(equalBytes(fromHex(toHex(value)), value)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it.each(["A", "AB", "AA=A", "AA=", "====", "A===", "AB==", "AAB=", "AAAA\n", " AAAA", "AA-_", "AAAA=", "ÄÄÄÄ"])(
    "the base64 %j is refused",
    (text) => {
      expect(() => fromBase64(text)).toThrow(refused);
    },
  );

  it.each(["a", "AB", "aB", "0x", " ab", "ab\n", "gg", "é"])("the hex %j is refused", (text) => {
    expect(() => fromHex(text)).toThrow(refused);
  });

  it("equal bytes have the same length", () => {
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  });
});
