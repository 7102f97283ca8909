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
const now = message.issuedAt + 60_000;
const check = (text: string, binding: SignInMessage = message): string | undefined =>
  findDisagreement(text, binding, now);

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
Expiration Time: 2026-01-01T00:10:00Z
Resources:
- https://keys.example/.well-known/agentkeys`);
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
      issuedAt: integer({ min: 0, max: 253_402_200_000 }).map((seconds) => seconds * 1000),
      expiresAt: constantFrom(0),
    });
    await assert(
      asyncProperty(messages, async (drawn) => {
        const one = { ...drawn, expiresAt: drawn.issuedAt + 600_000 };
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
        expect(findDisagreement(text, { ...one }, one.issuedAt)).toBeUndefined();
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
    ["more resources", `${ours}\n- https://keys.example/terms`],
    ["no resources", edited(/\nResources:[^]*/u, "")],
    ["a request id", edited("\nResources", "\nRequest ID: 7\nResources")],
    ["no end of its own", edited(/\nExpiration Time: [^\n]+/u, "")],
    ["another end within 45 minutes", edited("Time: 2026-01-01T00:10:00Z", "Time: 2026-01-01T00:45:00Z")],
    ["a beginning that has passed", edited("\nResources", "\nNot Before: 2026-01-01T00:01:00Z\nResources")],
  ])("may have %s", async (_what, text) => {
    expect(text).not.toBe(ours);
    expect(check(text)).toBeUndefined();
  });

  it.each([
    ["domain", edited("keys.example wants", "evil.example wants")],
    ["domain", edited("keys.example wants", "keys.example:8443 wants")],
    ["domain", edited("keys.example wants", "keys.example@evil.example wants")],
    ["address", edited("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0x52908400098527886E0F7030069857D2E4169EE7")],
    ["uri", edited("URI: https://keys.example", "URI: https://evil.example")],
    ["uri", edited("URI: https://keys.example", "URI: https://keys.example/")],
    ["chain", edited("Chain ID: 1", "Chain ID: 10")],
    ["nonce", edited(message.nonce, `${message.nonce}0`)],
    ["nonce", edited(message.nonce, message.nonce.slice(1))],
    ["nonce", edited(message.nonce, message.nonce.toUpperCase())],
    ["scheme", `http://${ours}`],
  ])("is refused for its %s, where that is another one", async (field, text) => {
    expect(check(text)).toBe(`the message's ${field} is not the one the broker gave`);
  });

  it.each([
    ["chain", "a zero before the chain id", edited("Chain ID: 1", "Chain ID: 01")],
    ["nonce", "the nonce with more around it", edited(message.nonce, `a${message.nonce}b`)],
  ])("is refused for its %s with %s", (field, _what, text) => {
    expect(check(text)).toBe(`the message's ${field} is not the one the broker gave`);
  });

  const issued = (time: string): string => edited("Issued At: 2026-01-01T00:00:00Z", `Issued At: ${time}`);
  it.each([
    ["was not issued within the last 45 minutes", issued("2025-12-31T23:15:59Z")],
    ["was not issued within the last 45 minutes", issued("2026-01-01T00:02:01Z")],
    ["is not valid yet", edited("\nResources", "\nNot Before: 2026-01-01T00:01:01Z\nResources")],
    ["has expired", edited("Time: 2026-01-01T00:10:00Z", "Time: 2026-01-01T00:01:00Z")],
    ["is valid for more than 45 minutes", edited("Time: 2026-01-01T00:10:00Z", "Time: 2026-01-01T00:45:01Z")],
  ])("is refused where it %s", (reason, text) => {
    expect(text).not.toBe(ours);
    expect(check(text)).toBe(`the message ${reason}`);
  });

  it.each([
    ["an address that fails EIP-55", edited("0xC02a", "0xc02a")],
    ["an address in lower case", edited(/0x.{40}/u, message.address)],
    ["another version", edited("Version: 1", "Version: 2")],
    ["a second nonce", edited("Issued At", `Nonce: ${message.nonce}\nIssued At`)],
    ["fields in another order", edited(/(Version: 1)\n(Chain ID: 1)/u, "$2\n$1")],
    ["an end on no day", edited("Time: 2026-01-01", "Time: 2026-02-30")],
    ["lines that end in CR LF", ours.replaceAll("\n", "\r\n")],
    ["a line feed in front", `\n${ours}`],
    ["a line feed behind", `${ours}\n`],
    ["more behind", `${ours}\nand more`],
    ["a resource that is no URI", `${ours}\n- no-uri`],
    ["nothing at all", ""],
  ])("is refused for its form with %s", async (_what, text) => {
    expect(text).not.toBe(ours);
    expect(check(text)).toBe("the message is not in the form of EIP-4361");
  });

  it("is refused, whatever single character of what binds it is another one", async () => {
    const bound = [
      ...ours.matchAll(/^\S+(?= wants)|^0x.*$|(?<=^(?:URI|Version|Chain ID|Nonce|Expiration Time): ).*$/gmu),
    ].filter(({ 0: text }) => !/^\d{4}-/u.test(text));
    const places = bound.flatMap(({ index, 0: text }) => Array.from(text, (_character, at) => index + at));
    expect(places.length).toBeGreaterThan(100);
    const edits = record({
      at: constantFrom(...places),
      to: constantFrom("0", "1", "9", "a", "Z", "-", "/", " ", "\n", ""),
    });
    await assert(
      asyncProperty(edits, async ({ at, to }) => {
        const text = `${ours.slice(0, at)}${to}${ours.slice(at + 1)}`;
        const disagreement = check(text);
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
  // Their domains and days are others than ours, so what is refused is not their form.
  const formFault = "the message is not in the form of EIP-4361";

  it.each([
    ["with an implicit scheme", "example.com"],
    ["with an explicit port", "example.com:3388"],
    ["with an explicit scheme", "https://example.com"],
  ])("is that of the EIP's example %s", async (_what, domain) => {
    expect(check(eipExample(domain))).toBe("the message's domain is not the one the broker gave");
  });

  it.each(readVectors<{ message: string }>("positive"))("is that of siwe's vector %j", async (_title, vector) => {
    expect(check(vector.message)).toMatch(/is not the one the broker gave$/u);
  });

  it.each(readVectors<string>("negative"))("is not that of siwe's vector %j", (_title, text) => {
    expect(check(text)).toBe(formFault);
  });
});
