import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatHeader, parseHeader, parseJws, parseObjectPart } from "../../src/session/jws.ts";

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const taken = { typ: "at+jwt", algorithms: ["ES256"], members: ["typ", "alg", "kid"] };
const readHeader = (header: unknown): unknown => parseHeader(encode(header), taken);

describe("compact JWS", () => {
  test("three parts of any bytes come apart as they were put together", () => {
    const part = fc
      .uint8Array({ minLength: 1, maxLength: 64 })
      .map((bytes) => Buffer.from(bytes).toString("base64url"));
    fc.assert(
      fc.property(part, part, part, (header, payload, signature) => {
        const jws = parseJws(`${header}.${payload}.${signature}`);
        expect(jws.headerText).toBe(header);
        expect(jws.payloadText).toBe(payload);
        expect(jws.signingInput.toString()).toBe(`${header}.${payload}`);
        expect(jws.signature.toString("base64url")).toBe(signature);
      }),
    );
  });

  test("any other number of parts is refused", () => {
    for (const text of ["", ".", "..", "a", "a.b", "a.b.c.d", ".b.c", "a.b.c.", "...."]) {
      expect(() => parseJws(text), text).toThrow(SyntaxError);
    }
  });

  test("blanks, padding and stray bits are refused in every part", () => {
    const good = [
      encode({ typ: "at+jwt", alg: "ES256" }),
      encode({}),
      Buffer.alloc(64, 7).toString("base64url"),
    ] as const;
    const read = (parts: readonly string[]): void => {
      const jws = parseJws(parts.join("."));
      parseHeader(jws.headerText, taken);
      parseObjectPart(jws.payloadText, "payload");
    };
    expect(() => read(good)).not.toThrow();
    for (const spoil of [(part: string) => `${part}=`, (part: string) => ` ${part}`, (part: string) => `${part}\n`]) {
      for (const at of [0, 1, 2]) {
        expect(() => read(good.with(at, spoil(good[at as 0])))).toThrow("not canonical base64url");
      }
    }
    expect(() => read(good.with(2, `${good[2].slice(0, -1)}x`))).toThrow("not canonical base64url");
  });

  test("8 KiB are taken apart and one character more is not", () => {
    const sized = (length: number): string => `${"a".repeat(length - 5)}.b.AA`;
    expect(parseJws(sized(8192)).headerText).toHaveLength(8187);
    expect(() => parseJws(sized(8193))).toThrow("longer than 8192");
  });

  test("arbitrary text throws SyntaxError and nothing else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => {
          const jws = parseJws(text);
          parseHeader(jws.headerText, taken);
        }).toThrow(SyntaxError);
      }),
    );
  });
});

describe("protected header", () => {
  test("alg none, HS256 and every other algorithm than the named is refused, in any case", () => {
    for (const alg of [
      "none",
      "None",
      "HS256",
      "RS256",
      "es256",
      "ES384",
      "ES256K",
      "",
      null,
      7,
      ["ES256"],
      undefined,
    ]) {
      expect(() => readHeader({ typ: "at+jwt", alg }), String(alg)).toThrow("alg is not one of ES256");
    }
  });

  test("typ is compared whole", () => {
    for (const typ of ["JWT", "AT+JWT", "application/at+jwt", "at+jwt ", "", null, undefined, ["at+jwt"]]) {
      expect(() => readHeader({ typ, alg: "ES256" }), String(typ)).toThrow("typ is not at+jwt");
    }
  });

  test("crit and every other member that is not taken is refused", () => {
    for (const member of ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "cty", "enc", "p2c", "constructor"]) {
      expect(() => readHeader({ typ: "at+jwt", alg: "ES256", [member]: [] }), member).toThrow("not taken here");
    }
  });

  test("a member that stands twice is refused, so that no two readers see two algorithms", () => {
    const text = Buffer.from('{"typ":"at+jwt","alg":"none","alg":"ES256"}').toString("base64url");
    expect(() => parseHeader(text, taken)).toThrow("a member stands there twice");
  });

  test("what is no JSON object in UTF-8 is refused", () => {
    for (const value of [null, [], 1, "x", true]) expect(() => readHeader(value)).toThrow("not an object");
    const bytes = Buffer.concat([Buffer.from('{"typ":"'), Buffer.of(0xff), Buffer.from('"}')]);
    expect(() => parseHeader(bytes.toString("base64url"), taken)).toThrow("not UTF-8");
  });

  test("a formatted header reads back", () => {
    const header = { typ: "at+jwt", alg: "ES256", kid: "k" };
    expect(parseHeader(formatHeader(header), taken)).toStrictEqual(header);
  });
});
