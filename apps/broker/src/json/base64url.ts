/**
 * The bytes of base64url text (RFC 4648 section 5) in its one canonical spelling, or undefined: no padding, no white space, no other
 * alphabet, no stray bits at the end. Node's decoder takes all of these.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
