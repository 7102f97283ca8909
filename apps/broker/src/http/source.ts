import { BlockList, isIPv4, isIPv6 } from "node:net";
import { parseNetwork, plainAddress } from "./address.ts";

/** The header a proxy tells the client's address in. Exactly one is believed: a proxy writes one and passes the other on as it came. */
export type ForwardedHeader = "x-forwarded-for" | "forwarded";

/** Finds the address a request comes from, of the connection's address and the forwarding header as received. */
export type SourceReader = (connection: string | undefined, header: string | undefined) => string;

/** Hops looked at, from the right: a longer list is not a chain of proxies. */
const mostHops = 32;

/**
 * Makes the reader. Without trusted proxies the header is never looked at. With them it is believed only on a connection of one of
 * them, and the source is the right-most hop that is none of them: what stands further left is the client's own claim.
 *
 * @example createSourceReader(["10.0.0.0/8"], "x-forwarded-for")("10.1.2.3", "192.0.2.7, 10.9.9.9") // "192.0.2.7"
 */
export function createSourceReader(proxies: readonly string[], headerName: ForwardedHeader): SourceReader {
  if (proxies.length === 0) return (connection) => plainAddress(connection ?? "") ?? "unknown";
  const isTrusted = createProxyCheck(proxies);
  const parseHops = headerName === "forwarded" ? parseForwarded : parseForwardedFor;
  return (connection, header) => {
    let source = plainAddress(connection ?? "") ?? "unknown";
    if (header === undefined || source === "unknown") return source;
    for (const hop of parseHops(header).toReversed().slice(0, mostHops)) {
      if (!isTrusted(source)) return source;
      // A hop that is no address says nothing, and neither does what stands behind it.
      if (hop === undefined) return source;
      source = hop;
    }
    return source;
  };
}

/** True for an address within one of the networks, an IPv4 one also when it is written as IPv6. Throws SyntaxError for no network. */
export function createProxyCheck(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const text of proxies) {
    const network = parseNetwork(text);
    if (network === undefined) throw new SyntaxError(`not a network: ${text}`);
    trusted.addSubnet(network.address, network.prefix, network.family);
  }
  return (text) => {
    const address = plainAddress(text);
    return address !== undefined && trusted.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  };
}

/** The hops of X-Forwarded-For, from left to right; undefined for what is no address. */
export function parseForwardedFor(header: string): readonly (string | undefined)[] {
  return header.split(",").map((part) => parseNode(part.trim()));
}

/** The hops of Forwarded (RFC 7239), from left to right; undefined for what names no address. */
export function parseForwarded(header: string): readonly (string | undefined)[] {
  // A quoted text with an escape in it, or one that does not end, makes the whole header mean nothing.
  const pair = /^[!#$%&'*+.^_`|~0-9a-z-]+=(?:[!#$%&'*+.^_`|~0-9a-z-]+|"[^"\\]*")$/iu;
  if (/["\\]/u.test(header.replaceAll(/"[^"\\]*"/gu, ""))) return [undefined];
  return splitOutsideQuotes(header, ",").map((element) => {
    const pairs = splitOutsideQuotes(element, ";").map((part) => part.trim());
    if (!pairs.every((part) => pair.test(part))) return undefined;
    const nodes = pairs.filter((part) => /^for=/iu.test(part)).map((part) => part.slice(4).replaceAll('"', ""));
    const [node] = nodes;
    return nodes.length === 1 && node !== undefined ? parseNode(node) : undefined;
  });
}

function splitOutsideQuotes(text: string, separator: "," | ";"): readonly string[] {
  const part = separator === "," ? /(?:[^",]|"[^"]*")+/gu : /(?:[^";]|"[^"]*")+/gu;
  return text.match(part) ?? [];
}

/** An address, with or without a port, IPv6 with or without brackets. */
function parseNode(text: string): string | undefined {
  const port = /:\d{1,5}$/u;
  if (text.startsWith("[")) {
    const inner = /^\[([^[\]]*)\](?::\d{1,5})?$/u.exec(text)?.[1] ?? "";
    return isIPv6(inner) ? plainAddress(inner) : undefined;
  }
  const address = isIPv4(text.replace(port, "")) ? text.replace(port, "") : text;
  return plainAddress(address);
}
