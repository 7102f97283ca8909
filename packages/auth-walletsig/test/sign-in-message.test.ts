import { readFileSync } from "node:fs";
import { assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { SiweMessage } from "siwe";
import { describe, expect, it } from "vitest";
import { findDisagreement, formatSignInMessage, type SignInMessage } from "../src/sign-in-message.ts";

const message: SignInMessage = {
  publicUrl: "https://keys.example",
  address: "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
  chainId: 1,
  nonce: "0123456789abcdef0123456789abcdef",
  issuedAt: Date.UTC(2026, 0, 1),
  expiresAt: Date.UTC(2026, 0, 1, 0, 10),
};
const ours = formatSignInMessage(message);

describe("the sign-in message (EIP-4361)", () => {
  it("is the text a person reads in the wallet", () => {
    expect(ours).toBe(`keys.example wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

Sign in to AgentKeys. This moves no funds and lets nobody spend.

URI: https://keys.example
Version: 1
Chain ID: 1
Nonce: 0123456789abcdef0123456789abcdef
Issued At: 2026-01-01T00:00:00Z
Expiration Time: 2026-01-01T00:10:00Z`);
  });

  it("is one that siwe parses and writes the same, on any host, chain and day", async () => {
    const messages = record({
      publicUrl: constantFrom(
        "https://keys.example",
        "https://keys.example:8443/agentkeys",
        "http://127.0.0.1:8787",
        "http://[::1]:8787",
        "http://localhost:8787",
        "https://xn--mnchen-3ya.example",
      ),
      address: constantFrom(message.address, "0x52908400098527886e0f7030069857d2e4169ee7"),
      chainId: integer({ min: 1 }),
      nonce: constantFrom(message.nonce, "00000000000000000000000000000001"),
      issuedAt: integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000),
      expiresAt: integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000),
    });
    await assert(
      asyncProperty(messages, async (one) => {
        const text = formatSignInMessage(one);
        const parsed = new SiweMessage(text);
        expect(parsed.toMessage()).toBe(text);
        expect(parsed).toMatchObject({
          domain: new URL(one.publicUrl).host,
          uri: one.publicUrl,
          chainId: one.chainId,
          nonce: one.nonce,
        });
        expect(parsed.address.toLowerCase()).toBe(one.address);
        expect(Date.parse(parsed.expirationTime ?? "")).toBe(one.expiresAt);
        expect(await findDisagreement(text, text)).toBeUndefined();
      }),
    );
  });
});

/** The broker's message with one line put in place of another. */
const edited = (from: string | RegExp, to: string): string => ours.replace(from, to);

describe("a message that a client built", () => {
  it.each([
    ["another statement", edited("Sign in to AgentKeys.", "Hello.")],
    ["no statement", edited(/\n[^\n]+\n\nURI/u, "\n\nURI")],
    ["another time of issue", edited("Issued At: 2026-01-01T00:00:00Z", "Issued At: 2025-12-31T23:59:59Z")],
    ["the same end in another zone", edited("Time: 2026-01-01T00:10:00Z", "Time: 2026-01-01T01:10:00+01:00")],
    ["the scheme of the URI", `https://${ours}`],
    ["resources", `${ours}\nResources:\n- https://keys.example/terms`],
    ["a request id", `${ours}\nRequest ID: 7`],
  ])("may have %s", async (_what, text) => {
    expect(text).not.toBe(ours);
    expect(await findDisagreement(text, ours)).toBeUndefined();
  });

  it.each([
    ["domain", edited("keys.example wants", "evil.example wants")],
    ["domain", edited("keys.example wants", "keys.example:8443 wants")],
    ["domain", edited("keys.example wants", "keys.example@evil.example wants")],
    ["address", edited("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0x52908400098527886E0F7030069857D2E4169EE7")],
    ["uri", edited("URI: https://keys.example", "URI: https://evil.example")],
    ["uri", edited("URI: https://keys.example", "URI: https://keys.example/")],
    ["chainId", edited("Chain ID: 1", "Chain ID: 10")],
    ["nonce", edited(message.nonce, `${message.nonce}0`)],
    ["nonce", edited(message.nonce, message.nonce.slice(1))],
    ["nonce", edited(message.nonce, message.nonce.toUpperCase())],
    ["notBefore", `${ours}\nNot Before: 2025-01-01T00:00:00Z`],
    ["expirationTime", edited("Time: 2026-01-01T00:10:00Z", "Time: 2026-01-01T00:11:00Z")],
    ["expirationTime", edited("\nExpiration Time: 2026-01-01T00:10:00Z", "")],
    ["scheme", `http://${ours}`],
  ])("is refused for its %s, where that is another one", async (field, text) => {
    expect(await findDisagreement(text, ours)).toBe(`the message's ${field} is not the one the broker gave`);
  });

  it.each([
    ["an address that fails EIP-55", edited("0xC02a", "0xc02a")],
    ["an address in lower case", edited(/0x.{40}/u, message.address)],
    ["a zero before the chain id", edited("Chain ID: 1", "Chain ID: 01")],
    ["another version", edited("Version: 1", "Version: 2")],
    ["a second nonce", edited("Issued At", `Nonce: ${message.nonce}\nIssued At`)],
    ["fields in another order", edited(/(Version: 1)\n(Chain ID: 1)/u, "$2\n$1")],
    ["an end on no day", edited("Time: 2026-01-01", "Time: 2026-02-30")],
    ["lines that end in CR LF", ours.replaceAll("\n", "\r\n")],
    ["a line feed in front", `\n${ours}`],
    ["a line feed behind", `${ours}\n`],
    ["more behind", `${ours}\nand more`],
    ["nothing at all", ""],
  ])("is refused for its form with %s", async (_what, text) => {
    expect(text).not.toBe(ours);
    expect(await findDisagreement(text, ours)).toBe("the message is not in the form of EIP-4361");
  });

  it("is refused, whatever single character of what binds it is another one", async () => {
    const bound = [
      ...ours.matchAll(/^\S+(?= wants)|^0x.*$|(?<=^(?:URI|Version|Chain ID|Nonce|Expiration Time): ).*$/gmu),
    ];
    const places = bound.flatMap(({ index, 0: text }) => Array.from(text, (_character, at) => index + at));
    expect(places.length).toBeGreaterThan(120);
    const edits = record({
      at: constantFrom(...places),
      to: constantFrom("0", "1", "9", "a", "Z", "-", "/", " ", "\n", ""),
    });
    await assert(
      asyncProperty(edits, async ({ at, to }) => {
        const text = `${ours.slice(0, at)}${to}${ours.slice(at + 1)}`;
        const disagreement = await findDisagreement(text, ours);
        expect(disagreement === undefined).toBe(text === ours);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Messages that the authors of siwe published (github.com/spruceid/siwe, test/parsing_*.json). */
function readVectors<Vector>(name: string): [string, Vector][] {
  const text = readFileSync(new URL(`./vectors/siwe-parsing-${name}.json`, import.meta.url), "utf8");
  return Object.entries(JSON.parse(text) as Record<string, Vector>);
}

const eipExample = (domain: string): string => `${domain} wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json`;

describe("the form of EIP-4361", () => {
  const end = "\nExpiration Time: 2026-01-01T00:10:00Z";
  // A message without an end is never the broker's, so the examples get one, where the grammar has its place for it.
  const withEnd = (text: string): string =>
    text.replace(/(\nIssued At: [^\n]+)(\nExpiration Time: [^\n]+)?/u, `$1${end}`);

  it.each([
    ["with an implicit scheme", "example.com"],
    ["with an explicit port", "example.com:3388"],
    ["with an explicit scheme", "https://example.com"],
  ])("is that of the EIP's example %s", async (_what, domain) => {
    const text = withEnd(eipExample(domain));
    expect(await findDisagreement(text, text)).toBeUndefined();
  });

  it.each(readVectors<{ message: string }>("positive"))("is that of siwe's vector %j", async (_title, vector) => {
    const text = withEnd(vector.message);
    expect(await findDisagreement(text, text)).toBeUndefined();
  });

  it.each(readVectors<string>("negative"))("is not that of siwe's vector %j", async (_title, text) => {
    expect(await findDisagreement(text, ours)).toBe("the message is not in the form of EIP-4361");
  });
});
