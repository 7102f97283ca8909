import { isUtf8 } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { decodeBase64url } from "../json/base64url.ts";
import { parseJsonObject, type JsonObject } from "../json/parse-json.ts";
import { signES256 } from "./es256.ts";

/** The largest token or proof, in characters. */
const mostCharacters = 8 * 1024;

/** A compact JWS taken apart; nothing of it is proven yet. */
export interface ParsedJws {
  /** The first part as it came: the key of caches that hold what follows from the header alone. */
  readonly headerText: string;
  readonly payloadText: string;
  /** What the signature is over (RFC 7515 section 5.2). */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/**
 * Takes a compact JWS (RFC 7515 section 7.1) apart: three parts of canonical base64url, at most 8 KiB. Throws SyntaxError that says
 * what is wrong and quotes nothing.
 */
export function parseJws(text: string): ParsedJws {
  if (text.length > mostCharacters) throw new SyntaxError(`it is longer than ${mostCharacters} characters`);
  const first = text.indexOf(".");
  const second = text.indexOf(".", first + 1);
  if (first < 1 || second === -1 || text.includes(".", second + 1)) throw new SyntaxError("it is not three parts");
  const signature = decodeBase64url(text.slice(second + 1));
  if (signature === undefined) throw new SyntaxError("the signature is not canonical base64url");
  return {
    headerText: text.slice(0, first),
    payloadText: text.slice(first + 1, second),
    signingInput: Buffer.from(text.slice(0, second), "latin1"),
    signature,
  };
}

/**
 * Reads the protected header: an object of exactly known members, so that `crit`, `b64`, `zip`, `x5u` and all other ways to change
 * what is verified are refused; `typ` and `alg` are compared to what the caller takes, never followed. Throws SyntaxError.
 */
export function parseHeader(
  headerText: string,
  taken: { readonly typ: string; readonly algorithms: readonly string[]; readonly members: readonly string[] },
): JsonObject {
  const header = parseObjectPart(headerText, "header");
  const unknown = Object.keys(header).some((member) => !taken.members.includes(member));
  if (unknown) throw new SyntaxError("the header has a member that is not taken here");
  if (header["typ"] !== taken.typ) throw new SyntaxError(`typ is not ${taken.typ}`);
  if (typeof header["alg"] !== "string" || !taken.algorithms.includes(header["alg"])) {
    throw new SyntaxError(`alg is not one of ${taken.algorithms.join(", ")}`);
  }
  return header;
}

/** Reads a part that is a JSON object, strictly. Throws SyntaxError. */
export function parseObjectPart(part: string, name: "header" | "payload"): JsonObject {
  const bytes = decodeBase64url(part);
  if (bytes === undefined) throw new SyntaxError(`the ${name} is not canonical base64url`);
  if (!isUtf8(bytes)) throw new SyntaxError(`the ${name} is not UTF-8`);
  return parseJsonObject(bytes.toString("utf8"));
}

/** A protected header as the first part of a compact JWS. */
export function formatHeader(header: JsonObject): string {
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}

/** Signs a payload under a header made by {@link formatHeader}; ES256 unless `sign` is another algorithm's. */
export function signJws(
  headerText: string,
  payload: object,
  privateKey: KeyObject,
  sign: (data: Uint8Array, privateKey: KeyObject) => Buffer = signES256,
): string {
  const signingInput = `${headerText}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}`;
  return `${signingInput}.${sign(Buffer.from(signingInput, "latin1"), privateKey).toString("base64url")}`;
}
