import { decode, encode, Tokenizer, Type, type Token } from "cborg";

/** The part of CBOR (RFC 8949) that the log uses: whole numbers ≥ 0, text, bytes, arrays, maps. */
export type CborValue = number | string | Uint8Array | readonly CborValue[] | ReadonlyMap<number | string, CborValue>;

/** Deterministic encoding (RFC 8949 section 4.2.1). Maps may be given as objects; their order does not matter. */
export function encodeCbor(value: unknown): Uint8Array {
  // cborg's default order of keys is that of RFC 8949 as long as all keys of a map are of one type, and twice as fast.
  return encode(value);
}

/** Decodes one item and nothing behind it; throws on any other type, on duplicate keys and on bytes that are not UTF-8. */
export function decodeCbor(bytes: Uint8Array): CborValue {
  return decode(bytes, { ...strict, tokenizer: new PlainTokenizer(bytes, strict) }) as CborValue;
}

const strict = {
  strict: true,
  allowIndefinite: false,
  allowBigInt: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
};
const plain = new Set([Type.uint, Type.string, Type.bytes, Type.array, Type.map]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Refuses every other type while it is still a token: a float of whole value, decoded, would be a number like any other.
 * Reads text strictly, where cborg replaces what is not UTF-8 and drops a byte order mark.
 */
class PlainTokenizer extends Tokenizer {
  override next(): Token {
    const token = super.next();
    if (!plain.has(token.type)) throw new Error(`the type ${token.type.name} is not allowed`);
    if (token.byteValue !== undefined) token.value = utf8.decode(token.byteValue);
    return token;
  }
}
