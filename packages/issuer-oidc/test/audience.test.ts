import { assert, constantFrom, array, property, string } from "fast-check";
import { formatScope, isAgentKeysError, isWithin, parseScope } from "@agentkeys/core";
import { describe, expect, it } from "vitest";
import { audienceOf, findAudienceFault, parseAudienceScope } from "../src/audience.ts";

describe("an audience", () => {
  it.each([
    "https://api.example.com",
    "https://api.example.com/",
    "https://api.example.com/v1/tokens",
    "https://api.example.com:8443/v1?tenant=7&x=a,b",
    "http://127.0.0.1:8080",
    "http://[::1]:8080/",
    "https://xn--mnchen-3ya.example",
    "urn:acme:api",
    "api://default",
    "spiffe://acme.example/agent",
    "arn:aws:iam::123456789012:role/reports",
    "sts.amazonaws.com",
    "api",
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    "Bücher",
  ])("may be %s", (text) => {
    expect(findAudienceFault(text)).toBeUndefined();
    expect(audienceOf({ actions: ["token"], resources: [text] })).toBe(text);
  });

  it.each([
    ["HTTPS://api.example.com", /no URI/u],
    ["Urn:acme:api", /no URI/u],
    ["12:34", /no URI/u],
    [":", /no URI/u],
    ["urn:", /no URI/u],
    ["urn:acme:{x}", /no URI/u],
    ["urn:bücher", /no URI/u],
    ["https://API.example.com", /canonical spelling, https:\/\/api\.example\.com\//u],
    ["https://api.example.com:443", /canonical spelling/u],
    ["http://api.example.com:80/x", /canonical spelling/u],
    ["https:api.example.com", /canonical spelling/u],
    ["https:/api.example.com", /canonical spelling/u],
    ["https:///api.example.com", /canonical spelling/u],
    ["https://api.example.com?x=1", /canonical spelling/u],
    ["https://127.1/", /canonical spelling/u],
    ["https://0x7f000001/", /canonical spelling/u],
    ["https://münchen.example", /no URI/u],
    ["https://", /no URL/u],
    ["https://[::1", /no URL/u],
    ["https://api.example.com:99999", /no URL/u],
    ["https://user@api.example.com/", /user name/u],
    ["https://user:secret@api.example.com/", /user name/u],
    ["https://api.example.com/#", /fragment/u],
    ["https://api.example.com/#x", /fragment/u],
    ["https://api.example.com\\@evil.example", /no URI/u],
    ["two words", /white space/u],
    ["a\u00a0b", /white space/u],
    ["a\u200bb", /invisible/u],
    ["a\u202eb", /invisible/u],
    ["\ufeffa", /invisible/u],
    ["a\nb", /control character/u],
    ["", /empty/u],
    ["https://api.example.com/../x", /dot segment/u],
    ["https://api.example.com/%2e", /percent-escape/u],
    ["*", /only at the end/u],
    ["https://api.*", /only at the end/u],
    ["https://*.example.com", /only at the end/u],
    ["https://*/x", /only at the end/u],
    ["https://*/*", /only at the end/u],
    ["urn:*:*", /only at the end/u],
    ["https://api.example.com/**", /only at the end/u],
  ])("is not %j", (text, reason) => {
    expect(findAudienceFault(text)).toMatch(reason);
  });
});

describe("a pattern of audiences", () => {
  it.each([
    "https://*",
    "http://*",
    "https://api.example.com/*",
    "https://api.example.com:8443/*",
    "urn:acme:*",
    "urn:*",
    "acme/*",
  ])("may be %s: it can be granted, and no credential is for it", (text) => {
    expect(findAudienceFault(text)).toBeUndefined();
    const scope = { actions: ["token"], resources: [text] };
    expect(parseAudienceScope(scope)).toEqual(scope);
    expect(() => audienceOf(scope)).toThrow("a credential is for one audience, not for a pattern");
  });

  it.each(["https:*", "https://api.example.com:*", "https://API.example.com/*", "HTTPS://*", "1:*"])(
    "is not %s: what it contains would be no audience",
    (text) => {
      expect(findAudienceFault(text)).toBeDefined();
    },
  );
});

describe("whatever the text is", () => {
  const pieces = constantFrom(
    ..."https:// http: urn: / // : * ? # @ % . .. \\ a B 7 é api.example.com API.example :443 :8443 [::1] xn--a \u200b \n".split(
      " ",
    ),
    " ",
  );
  const texts = array(pieces, { maxLength: 8 }).map((parts) => parts.join(""));

  it("what is granted says the same to core, and no credential is for a text with a star, space or fragment", () => {
    const grant = parseScope({ actions: ["token"], resources: ["https://*"] });
    assert(
      property(texts, (text) => {
        if (findAudienceFault(text) !== undefined) return;
        const scope = parseAudienceScope({ actions: ["token"], resources: [text] });
        expect(formatScope(scope)).toBe(formatScope(parseScope(scope)));
        if (/[/:]\*$/u.test(text)) return;
        expect(audienceOf(scope)).toBe(text);
        expect(text).not.toMatch(/[*\s\u200b\n]/u);
        if (!isWithin(scope, grant)) return;
        const url = new URL(text);
        expect([url.protocol, url.hash, url.username, url.host]).toEqual(["https:", "", "", url.host.toLowerCase()]);
        expect([text, `${text}/`]).toContain(url.href);
      }),
      { numRuns: 5000 },
    );
  });

  it("refusing it is ERR_GRANT_SCOPE", () => {
    assert(
      property(string({ unit: "binary" }), (text) => {
        const outcome = codeOf(() => audienceOf({ actions: ["token"], resources: [text] }));
        expect(outcome).toBe(findAudienceFault(text) === undefined ? "no error" : "ERR_GRANT_SCOPE");
      }),
    );
  });
});

/** The code that `work` fails with, or `no error`. */
function codeOf(work: () => unknown): string {
  try {
    work();
    return "no error";
  } catch (error) {
    return isAgentKeysError(error) ? error.code : String(error);
  }
}
