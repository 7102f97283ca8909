import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64url } from "../../src/json/base64url.ts";
import { parseJson } from "../../src/json/parse-json.ts";

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

describe("strict JSON", () => {
  test("it reads every JSON value as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes("__proto__"));
        expect(parseJson(text)).toStrictEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test("a member that stands twice is refused wherever it stands and however it is written", () => {
    const texts = [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '[{"b":{"a":1,"c":[],"a":{"x":1}}}]',
      '{"a:":1,"b":2,"a:":3}',
      '{"\\"":1,"\\"":2}',
      '{"":1,"":2}',
    ];
    for (const text of texts) expect(() => parseJson(text), text).toThrow("a member stands there twice");
  });

  test("colons, quotes and backslashes inside texts are no members", () => {
    for (const value of [{ "a:b": ":::" }, ['{"a":1,"a":2}'], { "\\": '":' }, ["\\\\:\\"], { 'x"': { ":": "\\" } }]) {
      expect(parseJson(JSON.stringify(value))).toStrictEqual(value);
    }
  });

  test("doubling one member of any object is refused", () => {
    const object = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 });
    fc.assert(
      fc.property(object, fc.nat(), (value, pick) => {
        fc.pre(!JSON.stringify(value).includes("__proto__"));
        const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`);
        const text = `{${[...members, members[pick % members.length]].join(",")}}`;
        expect(() => parseJson(text)).toThrow("a member stands there twice");
      }),
    );
  });

  test("32 levels are read and 33 are refused, also in a body of nothing but brackets", () => {
    expect(parseJson(nested(32))).toBeInstanceOf(Array);
    expect(() => parseJson(nested(33))).toThrow("deeper than 32");
    expect(() => parseJson(nested(30_000))).toThrow("deeper than 32");
    expect(() => parseJson('{"a":'.repeat(33) + "1" + "}".repeat(33))).toThrow("deeper than 32");
  });

  test("__proto__ is refused as a member and taken as a text", () => {
    expect(() => parseJson('{"__proto__":{"isAdmin":true}}')).toThrow("__proto__");
    expect(() => parseJson('[{"a":{"__\\u0070roto__":1}}]')).toThrow("__proto__");
    expect(parseJson('["__proto__"]')).toStrictEqual(["__proto__"]);
  });

  test("what another reader could take otherwise is refused", () => {
    const texts = [
      "",
      "1e400",
      '"\\ud800"',
      '{"\\udc00":1}',
      "\ufeff{}",
      "{}{}",
      "{'a':1}",
      "[1,]",
      "NaN",
      "01",
      "// no\n{}",
    ];
    for (const text of texts) expect(() => parseJson(text), JSON.stringify(text)).toThrow(SyntaxError);
  });

  test("an error quotes nothing of the text", () => {
    for (const text of ['{"secret-7f3a":1,"secret-7f3a":2}', "secret-7f3a", '["secret-7f3a\\ud800"]']) {
      expect(() => parseJson(text)).toThrow(/^(?!.*secret)/u);
    }
  });
});

describe("base64url", () => {
  test("all bytes come back from their one spelling", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64url(Buffer.from(bytes).toString("base64url"))).toStrictEqual(Buffer.from(bytes));
      }),
    );
  });

  test("padding, blanks, the other alphabet and stray bits are refused", () => {
    for (const text of ["YQ==", "YQ=", " YQ", "YQ ", "Y Q", "YQ\n", "-_+/", "a/b_", "YR", "YWJjZ", "Y", "YQ.", "YÄ"]) {
      expect(decodeBase64url(text), text).toBeUndefined();
    }
    expect(decodeBase64url("YQ")).toStrictEqual(Buffer.from("a"));
  });
});
