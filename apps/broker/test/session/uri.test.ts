import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeUri } from "../../src/session/uri.ts";

describe("URI normalization (RFC 3986 section 6.2)", () => {
  test("spellings that the RFC calls equivalent become one", () => {
    const same = [
      ["https://keys.example", "https://keys.example/"],
      ["HTTPS://Keys.EXAMPLE/", "https://keys.example/"],
      ["https://keys.example:443/v1", "https://keys.example/v1"],
      ["https://keys.example:/v1", "https://keys.example/v1"],
      ["http://keys.example:80/", "http://keys.example/"],
      ["http://127.0.0.1:8787/%7ea/%2d", "http://127.0.0.1:8787/~a/-"],
      ["https://keys.example/%e4%f6", "https://keys.example/%E4%F6"],
      ["https://keys.example/a/./b/../../v1/c", "https://keys.example/v1/c"],
      ["https://keys.example/a/%2E%2e/v1", "https://keys.example/v1"],
      ["https://keys.example/../../v1/..", "https://keys.example/"],
      ["https://keys.example/a/b/.", "https://keys.example/a/b/"],
      ["https://keys.example/v1?x=1#y", "https://keys.example/v1"],
      ["https://keys.example?x", "https://keys.example/"],
      ["https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"],
      ["https://%6Beys.example/", "https://keys.example/"],
    ] as const;
    for (const [text, normal] of same) expect(normalizeUri(text), text).toBe(normal);
  });

  test("different resources stay different", () => {
    const all = [
      "https://keys.example/v1",
      "https://keys.example/V1",
      "https://keys.example/v1/",
      "https://keys.example//v1",
      "https://keys.example/v%31%2F",
      "http://keys.example/v1",
      "https://keys.example:8443/v1",
      "https://keys.example:80/v1",
      "https://keys.example.evil/v1",
      "https://evil/keys.example/v1",
    ];
    expect(new Set(all.map(normalizeUri)).size).toBe(all.length);
  });

  test("what is no http or https URI without a user is refused", () => {
    const refused = [
      "",
      "keys.example/v1",
      "/v1",
      "//keys.example/v1",
      "ftp://keys.example/",
      "https:keys.example",
      "https://",
      "https:///v1",
      "https://user@keys.example/",
      "https://keys.example@evil/",
      "https://keys.example\\@evil/",
      " https://keys.example/",
      "https://keys.example/a b",
      "https://keys.example/\t",
      "https://keys.example/%",
      "https://keys.example/%4",
      "https://keys.example/%zz",
      "https://k\u00e9ys.example/",
      "https://keys.example:x/",
      "https://keys.example:1:2/",
    ];
    for (const text of refused) expect(normalizeUri(text), text).toBeUndefined();
  });

  test("normalizing twice is normalizing once, and URL agrees on the parts", () => {
    const segment = fc.constantFrom("a", "B", "..", ".", "%41", "%2f", "%2E", "", "~", "x;y=1");
    const uri = fc
      .tuple(fc.constantFrom("http", "HTTPS"), fc.constantFrom("h", "H.Example:443", "h:8080"), fc.array(segment))
      .map(([scheme, host, path]) => `${scheme}://${host}/${path.join("/")}?q#f`);
    fc.assert(
      fc.property(uri, (text) => {
        const normal = normalizeUri(text)!;
        expect(normalizeUri(normal)).toBe(normal);
        const parsed = new URL(text);
        expect(new URL(normal).origin).toBe(parsed.origin);
        expect(decodeURIComponent(new URL(normal).pathname)).toBe(decodeURIComponent(parsed.pathname));
      }),
    );
  });
});
