import { isIP, isIPv4, isIPv6 } from "node:net";

/** A network as `address/prefix`, or one address. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** Parses CIDR notation (RFC 4632, RFC 4291); undefined for anything else, also for bits set behind the prefix. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/u.test(length)) return undefined;
  const prefix = length === undefined ? most : Number(length);
  if (prefix > most || (version === 6 && plainAddress(address) !== canonical(address))) return undefined;
  const host = bitsOf(address) & ((1n << BigInt(most - prefix)) - 1n);
  return host === 0n ? { address, prefix, family: version === 4 ? "ipv4" : "ipv6" } : undefined;
}

/** An address in its one spelling, an IPv4 one also when it is written as IPv6 (`::ffff:192.0.2.1`). Undefined for no address. */
export function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const address = canonical(text);
  if (address === undefined) return undefined;
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/u.exec(address);
  if (mapped === null) return address;
  return [mapped[1], mapped[2]]
    .map((group) => Number.parseInt(group ?? "", 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join(".");
}

/** IPv6 by RFC 5952, without zone and without dots. */
function canonical(text: string): string | undefined {
  const [address = ""] = text.split("%");
  return isIPv6(address) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : undefined;
}

/** The eight groups of an IPv6 address. */
export function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = (canonical(address) ?? "").split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  if (tail === undefined) return left;
  const right = parse(tail);
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function bitsOf(address: string): bigint {
  if (isIPv4(address)) return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
  return groupsOf(address).reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}
