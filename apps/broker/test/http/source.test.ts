import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseNetwork, plainAddress } from "../../src/http/address.ts";
import { createProxyCheck, createSourceReader, parseForwarded, parseForwardedFor } from "../../src/http/source.ts";

const proxies = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.1"];
const read = createSourceReader(proxies, "x-forwarded-for");

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().filter((text) => plainAddress(text)?.includes(":") === true);
const address = fc.oneof(ipv4, ipv6);
const client = address.filter((text) => !createProxyCheck(proxies)(text));
const proxy = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => `10.${parts.join(".")}`),
  fc.nat(0xffff).map((group) => `2001:db8:1::${group.toString(16)}`),
  fc.constant("::ffff:10.1.2.3"),
);

describe("networks", () => {
  test.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "2001:db8::1/32",
    "2001:db8::/129",
    "fe80::1%eth0/128",
    "::ffff:10.0.0.0/104",
    "keys.acme.com",
    "",
    "*",
  ])("%j is none", (text) => expect(parseNetwork(text)).toBeUndefined());

  test("an IPv4 address lies in a network when their first bits are the same", () => {
    const number = (text: string): number => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = (prefix: number): number => 2 ** (32 - prefix);
    fc.assert(
      fc.property(ipv4, ipv4, fc.nat(32), fc.boolean(), (base, other, prefix, near) => {
        const start = Math.floor(number(base) / size(prefix)) * size(prefix);
        const network = [24, 16, 8, 0].map((bits) => Math.floor(start / 2 ** bits) % 256).join(".");
        const asked = near ? base : other;
        const isWithin = Math.floor(number(asked) / size(prefix)) === Math.floor(number(base) / size(prefix));
        const check = createProxyCheck([`${network}/${prefix}`]);
        expect(check(asked)).toBe(isWithin);
        expect(check(`::ffff:${asked}`)).toBe(isWithin);
      }),
    );
  });

  test("an IPv6 network of /64 holds its own addresses in every spelling, and no others", () => {
    const group = fc.nat(0xffff).map((value) => value.toString(16));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), group, (groups, another) => {
        const network = `2001:${groups.slice(1, 4).join(":")}::/64`;
        fc.pre(parseNetwork(network) !== undefined);
        const check = createProxyCheck([network]);
        const rest = groups.slice(4).join(":");
        expect(check(`2001:${groups.slice(1, 4).join(":")}:${rest}`.toUpperCase())).toBe(true);
        expect(check(`2001:${groups.slice(1, 3).join(":")}:${another}:${rest}`)).toBe(
          Number.parseInt(another, 16) === Number.parseInt(groups[3] ?? "", 16),
        );
      }),
    );
  });
});

describe("the source of a request", () => {
  test("without trusted proxies no header is believed, whatever it says", () => {
    const trusting = createSourceReader([], "x-forwarded-for");
    fc.assert(
      fc.property(address, fc.oneof(address, fc.string()), (connection, header) => {
        expect(trusting(connection, header)).toBe(plainAddress(connection));
      }),
    );
  });

  test("a connection that is no trusted proxy's is the source, whatever its header says", () => {
    fc.assert(
      fc.property(client, fc.oneof(address, fc.string()), (connection, header) => {
        expect(read(connection, header)).toBe(plainAddress(connection));
      }),
    );
  });

  test("behind trusted proxies it is the right-most hop that is none of them, and nothing left of it changes that", () => {
    fc.assert(
      fc.property(
        proxy,
        client,
        fc.array(proxy, { maxLength: 3 }),
        fc.oneof(fc.string(), address, fc.constant("127.0.0.1")),
        (connection, source, hops, claimed) => {
          const header = [claimed, source, ...hops].join(", ");
          expect(read(connection, header)).toBe(plainAddress(source));
        },
      ),
    );
  });

  test("it is always an address of the header or the connection's, in its one spelling", () => {
    fc.assert(
      fc.property(proxy, fc.string(), (connection, header) => {
        const found = read(connection, header);
        expect(plainAddress(found)).toBe(found);
      }),
    );
  });

  test.each([
    ["an obfuscated hop", "192.0.2.9, unknown, 10.0.0.2", "10.0.0.2"],
    ["an empty hop", "192.0.2.9, , 10.0.0.2", "10.0.0.2"],
    ["a hop with a port", "192.0.2.9:4711", "192.0.2.9"],
    ["an IPv6 hop with a port", "[2001:DB8::9]:4711", "2001:db8::9"],
    ["an IPv6 hop that is IPv4", "::ffff:192.0.2.9", "192.0.2.9"],
    ["no header", undefined, "10.0.0.1"],
    ["an empty header", "", "10.0.0.1"],
    ["proxies only", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
  ])("%s gives what is known for sure", (_, header, source) => expect(read("10.0.0.1", header)).toBe(source));

  test("a chain of more hops than there are proxies in the world is not followed to its end", () => {
    const chain = ["192.0.2.9", ...Array.from({ length: 100 }, () => "10.0.0.2")].join(",");
    expect(read("10.0.0.1", chain)).toBe("10.0.0.2");
  });
});

describe("Forwarded (RFC 7239)", () => {
  test.each([
    // Sections 4 and 7.1.
    ['for="_gazonk"', [undefined]],
    ['For="[2001:db8:cafe::17]:4711"', ["2001:db8:cafe::17"]],
    ["for=192.0.2.60;proto=http;by=203.0.113.43", ["192.0.2.60"]],
    ["for=192.0.2.43, for=198.51.100.17", ["192.0.2.43", "198.51.100.17"]],
    ['for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown', ["192.0.2.43", "2001:db8:cafe::17", undefined]],
    ["proto=http", [undefined]],
    ["for=192.0.2.1;for=192.0.2.2", [undefined]],
    ['for="192.0.2.1, for=192.0.2.2', [undefined]],
    ['for="a\\"b"', [undefined]],
    ["for=192.0.2.1 proto=http", [undefined]],
    ['for="192.0.2.1, 192.0.2.2", for=192.0.2.3', [undefined, "192.0.2.3"]],
  ])("%s", (header, hops) => expect(parseForwarded(header)).toEqual(hops));

  test("the header that is not configured is never read", () => {
    const forwarded = createSourceReader(["10.0.0.0/8"], "forwarded");
    expect(forwarded("10.0.0.1", "192.0.2.9")).toBe("10.0.0.1");
    expect(read("10.0.0.1", "for=192.0.2.9")).toBe("10.0.0.1");
  });

  test("no text makes a parser throw, and what is found is an address", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9=";,:.[\]\\ ]*$/u)), (text) => {
        const hops = [...parseForwarded(text), ...parseForwardedFor(text)].filter((hop) => hop !== undefined);
        expect(hops.map((hop) => plainAddress(hop))).toEqual(hops);
      }),
    );
  });
});
