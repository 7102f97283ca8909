import { assertFields, formOf, type SignInExpectation } from "./message-fields.ts";

const form = formOf("Ethereum", "0x[0-9a-fA-F]{40}", "(?:\\n[^\\n]+)?\\n", "[0-9]+");

/** Throws ERR_AUTH_BROKER unless the text is an EIP-4361 message of exactly this broker, wallet (EIP-55) and chain. */
export function assertSiweMessage(text: string, expected: SignInExpectation): void {
  assertFields(text, form, "EIP-4361", expected);
}
