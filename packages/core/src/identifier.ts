const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A wire id: prefix, underscore, and 128 random bits as 26 characters of lower-case Crockford base32. Readers treat it as opaque.
 *
 * @example newIdentifier("grn", host.random(16)) // "grn_7h3k9m2p5r8t1w4y6a0c3e5g7g"
 */
export function newIdentifier(prefix: string, random: Uint8Array): string {
  return `${prefix}_${toCrockford(random)}`;
}

/** Lower-case Crockford base32 of bytes, most significant bit first, the last character padded with zero bits. */
export function toCrockford(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((held >> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31);
}

/** True for text of the form `newIdentifier(prefix, …)` gives. */
export function isIdentifier(prefix: string, text: string): boolean {
  return text.startsWith(`${prefix}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/u.test(text.slice(prefix.length + 1));
}

/** Each byte as two digits of lower-case hex. */
const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A UUIDv7 (RFC 9562 section 5.7) as lower-case text, from a time in milliseconds and 10 random bytes. */
export function newRecordId(time: number, random: Uint8Array): string {
  let hex = "";
  for (let at = 0; at < 10; at++) hex += hexOf[random[at] ?? 0] ?? "";
  const stamp = time.toString(16).padStart(12, "0");
  const variant = (((random[2] ?? 0) >> 4) & 0x3) | 0x8;
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hex.slice(0, 3)}-${variant.toString(16)}${hex.slice(5, 8)}-${hex.slice(8, 20)}`;
}
