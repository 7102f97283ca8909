import fc from "fast-check";
import { expect, it } from "vitest";

/** The parts of a sign-in message that can be others, or the whole of it. */
export type MessageChange = Partial<Record<"domain" | "uri" | "chain" | "who" | "ledger", string>>;

const refusal = expect.objectContaining({ code: "ERR_AUTH_BROKER" });

/** Cases that every reader of sign-in messages has to pass, for messages of `https://keys.example`; `own` are those of its ledger alone. */
export function itRefusesForeignMessages(
  write: (change?: MessageChange) => string,
  assert: (message: string) => void,
  own: readonly (readonly [what: string, change: MessageChange])[],
): void {
  it.each([
    ["another domain", { domain: "evil.example" }],
    ["a domain that begins like ours", { domain: "keys.example.evil.example" }],
    ["our domain with a port", { domain: "keys.example:8443" }],
    ["another URI", { uri: "https://evil.example" }],
    ["a URI that begins like ours", { uri: "https://keys.example.evil.example" }],
    ["our URI by plain http", { uri: "http://keys.example" }],
    ["a URI that is none", { uri: "keys" }],
    ["a scheme before the domain", { domain: "https://keys.example" }],
    ...own,
  ] as const)("of %s is not signed", (_, change) => {
    expect(() => assert(write(change))).toThrow(refusal);
  });

  it.each([
    ["a first line before it", (text: string) => `evil.example wants something:\n${text}`],
    ["a line after it", (text: string) => `${text}\nhello`],
    ["a second URI line", (text: string) => text.replace("Version: 1", "URI: https://evil.example\nVersion: 1")],
    ["a statement of two lines", (text: string) => text.replace("Sign in to", "Pay\nSign in to")],
    ["carriage returns", (text: string) => text.replaceAll("\n", "\r\n")],
    ["the bytes of a transaction before it", (text: string) => `\u0001\u0000\u0001${text}`],
    ["nothing in it", () => ""],
  ])("with %s is not signed", (_, change) => {
    expect(() => assert(change(write()))).toThrow(refusal);
  });

  it("in which one character of the first seven lines is another is not signed, but for the statement", () => {
    const text = write();
    const head = text.indexOf("\nNonce");
    const statement = [text.indexOf("Sign in"), text.indexOf("\n\nURI")] as const;
    fc.assert(
      fc.property(fc.nat(head - 1), fc.constantFrom("x", "0", "\n", " ", "é"), (at, character) => {
        fc.pre(text[at] !== character && !(at >= statement[0] && at < statement[1]));
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        expect(() => assert(changed)).toThrow(refusal);
      }),
      { numRuns: 500 },
    );
  });
}
