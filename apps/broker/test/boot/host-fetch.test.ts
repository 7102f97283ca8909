import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHostFetch, type LookUp } from "../../src/boot/host-fetch.ts";

let server: Server;
let port: number;
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host} ${request.url}`);
    if (request.url === "/redirect") response.writeHead(302, { location: "/" }).end();
    else if (request.url === "/large") response.end("x".repeat(2000));
    else if (request.url === "/never") return;
    else request.pipe(response.writeHead(201, { "x-seen": "yes" }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const refused = /may not be fetched/u;
const resolvesTo =
  (...addresses: string[]): LookUp =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
const fetchWith = (allowed: readonly string[], ...addresses: string[]) =>
  createHostFetch(new Set(allowed), resolvesTo(...addresses));

describe("a plug-in's fetch", () => {
  test("sends and reads what it is told, to loopback", async () => {
    const fetch = createHostFetch(new Set());
    const { status, headers, body } = await fetch(`http://127.0.0.1:${port}/echo`, { method: "POST", body: "hello" });
    expect({ status, seen: headers.get("X-Seen"), text: Buffer.from(body).toString() }).toEqual({
      status: 201,
      seen: "yes",
      text: "hello",
    });
    expect(asked.at(-1)).toBe(`POST 127.0.0.1:${port} /echo`);
  });

  test.each([
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "::ffff:10.0.0.1",
    "fd00::1",
    "fe80::1",
    "64:ff9b::a00:1",
  ])("does not go where a public name leads to %s", async (address) => {
    const before = asked.length;
    await expect(fetchWith([], address)(`https://node.example:${port}/`)).rejects.toThrow(refused);
    // One private address among public ones is enough: which of them is taken is not ours to say.
    await expect(fetchWith([], "93.184.216.34", address)(`https://node.example:${port}/`)).rejects.toThrow(refused);
    expect(asked).toHaveLength(before);
  });

  test.each([
    "https://10.0.0.1/",
    "https://[fd00::1]/",
    "http://93.184.216.34/",
    "http://node.example/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
  ])("does not go to %s", async (url) => {
    await expect(fetchWith([], "93.184.216.34")(url)).rejects.toThrow(refused);
  });

  test("goes to a private host that the operator allows, by that name and port alone", async () => {
    const name = `node.internal:${port}`;
    expect((await fetchWith([name], "127.0.0.1")(`http://${name}/`)).status).toBe(201);
    expect(asked.at(-1)).toContain(name);
    await expect(fetchWith([name], "127.0.0.1")(`http://other.internal:${port}/`)).rejects.toThrow(refused);
    await expect(fetchWith([name], "127.0.0.1")(`http://node.internal:${port + 1}/`)).rejects.toThrow(refused);
    await expect(fetchWith(["node.internal:443"], "127.0.0.1")(`https://node.internal:${port}/`)).rejects.toThrow(
      refused,
    );
  });

  test("follows no redirect, reads no more than it is told, and ends in time", async () => {
    const fetch = createHostFetch(new Set());
    await expect(fetch(`http://127.0.0.1:${port}/redirect`)).rejects.toThrow("redirect");
    await expect(fetch(`http://127.0.0.1:${port}/large`, { maxBytes: 1000 })).rejects.toThrow("larger than 1000");
    expect((await fetch(`http://127.0.0.1:${port}/large`, { maxBytes: 2000 })).body).toHaveLength(2000);
    const signal = AbortSignal.timeout(100);
    await expect(fetch(`http://127.0.0.1:${port}/never`, { signal })).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
