import { assertFields, formOf, type SignInExpectation } from "./message-fields.ts";

const form = formOf("Solana", "[1-9A-HJ-NP-Za-km-z]{32,44}", "(?:\\n[^\\n]+\\n)?", "[a-z0-9:]+");

/** Throws ERR_AUTH_BROKER unless the text is a Sign-In With Solana message of exactly this broker, wallet (base58) and chain. */
export function assertSiwsMessage(text: string, expected: SignInExpectation): void {
  assertFields(text, form, "Sign-In With Solana", expected);
}
