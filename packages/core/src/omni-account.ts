import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { AgentKeysError } from "./errors.ts";

/** A canonical identity: its type and its one canonical spelling. */
export interface Identity {
  readonly type: string;
  readonly value: string;
}

/** The key of an account everywhere: 64 lower-case hex digits. */
export type OmniAccount = string;

/**
 * SHA-256("agentkeys/omni/v1" ‖ lp(clientId) ‖ lp(type) ‖ lp(value)), lp = u16 big-endian length + UTF-8 bytes, as lower hex.
 * The identity must be canonical already ({@link canonicalIdentity}). Throws ERR_REQUEST_MALFORMED for a part over 65,535 bytes.
 */
export function omniAccount(identity: Identity, clientId = "agentkeys"): OmniAccount {
  const hash = sha256.create().update(utf8ToBytes("agentkeys/omni/v1"));
  for (const part of [clientId, identity.type, identity.value]) {
    const bytes = utf8ToBytes(part);
    if (bytes.length > 0xffff) throw refuse("an identity part is over 65,535 bytes");
    hash.update(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff)).update(bytes);
  }
  return bytesToHex(hash.digest());
}

/**
 * The canonical spelling of an identity. Checks EIP-55 where an address has both cases; makes an email's domain its A-label.
 * Throws ERR_REQUEST_MALFORMED for what is not of the type's form.
 *
 * @example canonicalIdentity("email", "  Ada@Example.COM ") // { type: "email", value: "ada@example.com" }
 */
export function canonicalIdentity(type: string, raw: string): Identity {
  if (!/^[a-z][a-z0-9_]{0,31}$/u.test(type)) throw refuse("an identity type is a lower-case name");
  const canonical = canonicalForms.get(type);
  const value = canonical === undefined ? opaque(raw) : canonical(raw);
  return Object.freeze({ type, value });
}

const canonicalForms: ReadonlyMap<string, (raw: string) => string> = new Map([
  ["evm", canonicalAddress],
  ["eip155_contract", canonicalContract],
  ["email", canonicalEmail],
]);

function canonicalContract(raw: string): string {
  const [, chain, address] = /^([1-9][0-9]{0,18}):(0x[0-9a-fA-F]{40})$/u.exec(raw) ?? [];
  if (chain === undefined || address === undefined) throw refuse("a contract identity is chainId:address");
  return `${chain}:${canonicalAddress(address)}`;
}

/** The lower-case form of a 0x address. Mixed case must carry the EIP-55 checksum. Throws ERR_REQUEST_MALFORMED. */
export function canonicalAddress(raw: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/u.test(raw)) throw refuse("an address is 0x and 40 hex digits");
  const lower = raw.toLowerCase();
  const isMixed = raw.slice(2) !== lower.slice(2) && raw.slice(2) !== raw.slice(2).toUpperCase();
  if (isMixed && checksumAddress(lower) !== raw) throw refuse("the address fails its EIP-55 checksum");
  return lower;
}

/** The EIP-55 spelling of a lower-case 0x address. */
export function checksumAddress(lower: string): string {
  const hash = bytesToHex(keccak_256(utf8ToBytes(lower.slice(2))));
  const digits = Array.from(lower.slice(2), (digit, at) =>
    Number.parseInt(hash.charAt(at), 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${digits.join("")}`;
}

function canonicalEmail(raw: string): string {
  const text = raw.trim().toLowerCase().normalize("NFC");
  const at = text.lastIndexOf("@");
  const local = text.slice(0, at);
  const domain = text.slice(at + 1);
  if (at < 1 || /[\s\p{Cc}<>(),;:"\\[\]@]/u.test(local) || !/^[^\s\p{Cc}/:?#@\\%[\]]+$/u.test(domain)) {
    throw refuse("that is no email address");
  }
  const label = aLabel(domain);
  // A URL's host that ends in a number is an IPv4 address, in any of its spellings: no mail domain.
  if (
    !/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/u.test(label) ||
    /(^|\.)\d+$/u.test(label)
  )
    throw refuse("that is no mail domain");
  const address = `${local}@${label}`;
  if (address.length > 254) throw refuse("an email address has at most 254 characters");
  return address;
}

function aLabel(domain: string): string {
  try {
    return new URL(`http://${domain}/`).hostname;
  } catch {
    throw refuse("that is no mail domain");
  }
}

function opaque(raw: string): string {
  if (raw === "" || raw.length > 1024 || !raw.isWellFormed() || /\p{Cc}/u.test(raw))
    throw refuse("that is no identity value");
  return raw;
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", reason, { issues: [reason] });
}
