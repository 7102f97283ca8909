import { decode, encodeInto, Tokenizer, Type, type Token } from "cborg";

/** The part of CBOR (RFC 8949) that the log uses: whole numbers ≥ 0, text, bytes, arrays, maps. */
export type CborValue = number | string | Uint8Array | readonly CborValue[] | ReadonlyMap<number | string, CborValue>;

/**
 * Writes the deterministic encoding (RFC 8949 section 4.2.1) to the start of `target` and tells its length; throws when it does
 * not fit. Maps may be given as objects; the order of their keys does not matter.
 */
export function encodeCborInto(value: unknown, target: Uint8Array): number {
  // cborg's default order of keys is that of RFC 8949 as long as all keys of a map are of one type, and twice as fast.
  return encodeInto(value, target).written;
}

/** Decodes one item and nothing behind it; throws on any other type, on duplicate keys and on text that is not UTF-8. */
export function decodeCbor(bytes: Uint8Array): CborValue {
  // A plain view, because slices of a Buffer share its memory.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return decode(plain, { ...strict, tokenizer: new PlainTokenizer(plain, strict) }) as CborValue;
}

const strict = {
  strict: true,
  allowIndefinite: false,
  allowBigInt: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
};
const plainTypes = new Set([Type.uint, Type.string, Type.bytes, Type.array, Type.map]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Refuses every other type while it is still a token: a float of whole value, decoded, would be a number like any other.
 * Reads text strictly, where cborg replaces what is not UTF-8 and drops a byte order mark.
 */
class PlainTokenizer extends Tokenizer {
  override next(): Token {
    const token = super.next();
    if (!plainTypes.has(token.type)) throw new Error(`the type ${token.type.name} is not allowed`);
    if (token.byteValue !== undefined) token.value = utf8.decode(token.byteValue);
    return token;
  }
}
