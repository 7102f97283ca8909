// The log over HTTP: hashes for all, entries for auditors, and no path but those of C2SP tlog-tiles.
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuditors } from "../../src/http/auditors.ts";
import { openBroker, type TestBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";

const logId = "ab".repeat(32);
const token = "0123456789abcdef0123456789abcdef";

// The real log, with an upkeep that gives back whatever path it was asked for.
install(
  "audit-tiled",
  `import real from "@agentkeys/audit-sqlite";
export default { ...real, name: "tiled", async create(settings, host) {
  const log = await real.create(settings, host);
  const names = ["append", "head", "prove", "receipt", "read", "find", "ready", "close"];
  return { ...Object.fromEntries(names.map((name) => [name, (...args) => log[name](...args)])), upkeep: {
    epochs: async () => [{ origin: "old.example/audit/0/1", logId: "${logId}", vkeys: ["old+1+k"], size: 7 }],
    tile: async (id, path) => id !== "${logId}" || path === "tile/0/999" ? undefined : path === "tile/0/998" ? "text" : new TextEncoder().encode(path),
    erase: async () => undefined, rotateKey: async () => "", backup: async () => log.head(),
  } };
} };`,
);

let broker: TestBroker;
beforeAll(async () => {
  process.env["AGENTKEYS_TEST_AUDITOR"] = token;
  broker = await openBroker(`[audit]
log = "tiled"
[audit.tiled]
plugin = "@acme/audit-tiled"
[[audit.auditors]]
name = "acme"
token = { env = "AGENTKEYS_TEST_AUDITOR" }
`);
});
afterAll(() => broker.close());

/** Asks for the path as it stands, with no client to tidy it up. */
function get(path: string, headers = ""): Promise<{ status: number; head: string; body: string }> {
  const { host, port } = new URL(broker.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${headers}connection: close\r\n\r\n`),
    );
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString()));
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", body = ""] = text.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), head, body });
    });
  });
}
const of = (path: string): string => `/v1/audit/logs/${logId}/${path}`;
const bearer = `authorization: Bearer ${token}\r\n`;

test.each([
  "tile/0/000",
  "tile/63/255",
  "tile/0/x001/000",
  "tile/1/x123/x456/789",
  "tile/0/000.p/1",
  "tile/0/x001/234.p/255",
])("%s is served to anyone, to be kept for ever", async (path) => {
  const { status, head, body } = await get(of(path));
  expect({ status, body }).toEqual({ status: 200, body: path });
  expect(head.toLowerCase()).toContain("cache-control: public, max-age=31536000, immutable");
  expect(head.toLowerCase()).toContain("content-type: application/octet-stream");
});

test.each([
  "tile/0/0",
  "tile/0/1000",
  "tile/0/x000/001",
  "tile/0/001/002",
  "tile/0/x001/x002",
  "tile/00/000",
  "tile/64/000",
  "tile/-1/000",
  "tile/0/000.p/0",
  "tile/0/000.p/256",
  "tile/0/000.p/01",
  "tile/0/000.p",
  "tile/0/000/",
  "tile//0/000",
  "tile/0/%300",
  "tile/0/0%30%30",
  "tile/%30/000",
  "tile/0/x001/%2e%2e/000",
  "tile/0/../0/000",
  "tile/0/./000",
  "tile/0/000?x",
  "tile/0/000.json",
  "tile/0/X001/000",
  "tile/0/x00a/000",
  `tile/0/${"x001/".repeat(40)}000`,
  "tile/checkpoint",
  "tile/0",
  "tile/",
  "checkpoint?x",
  "checkpoint/",
  "./checkpoint",
  "%63heckpoint",
])("%s is no resource of a log", async (path) => {
  const { status, body } = await get(of(path));
  expect(status).toBe(404);
  expect(JSON.parse(body)).toMatchObject({ code: "ERR_REQUEST_NOT_FOUND" });
});

test.each(["AB".repeat(32), "ab".repeat(31), "..", "%2e%2e", "tiled", "cd".repeat(32)])(
  "there is no log %s",
  async (id) => {
    for (const path of ["tile/0/000", "checkpoint"])
      expect((await get(`/v1/audit/logs/${id}/${path}`)).status).toBe(404);
  },
);

test("a tile the log does not have is not found, and one that is no bytes breaks the contract", async () => {
  expect((await get(of("tile/0/999"))).status).toBe(404);
  expect((await get(of("tile/0/998"))).status).toBe(502);
});

test("the head of an earlier epoch is served, and discovery lists the epochs", async () => {
  expect((await get(of("checkpoint"))).body).toBe("checkpoint");
  const known = (await (await fetch(`${broker.url}/.well-known/agentkeys`)).json()) as { log: { epochs: unknown } };
  expect(known.log.epochs).toEqual([{ origin: "old.example/audit/0/1", log_id: logId, vkeys: ["old+1+k"], size: 7 }]);
});

test("entries are given to an auditor, and kept by nobody in between", async () => {
  const { status, head, body } = await get(of("tile/entries/x001/000.p/7"), bearer);
  expect({ status, body }).toEqual({ status: 200, body: "tile/entries/x001/000.p/7" });
  expect(head.toLowerCase()).toContain("cache-control: private");
  expect((await get(of("tile/entries/0"), bearer)).status).toBe(404);
});

test.each([
  ["no token", ""],
  ["another token", `authorization: Bearer ${token.toUpperCase()}\r\n`],
  ["half a token", `authorization: Bearer ${token.slice(0, 31)}\r\n`],
  ["more than the token", `authorization: Bearer ${token}x\r\n`],
  ["an empty token", "authorization: Bearer \r\n"],
  ["another scheme", `authorization: DPoP ${token}\r\n`],
  ["two tokens", `authorization: Bearer ${token}, Bearer ${token}\r\n`],
])("with %s nobody reads an entry", async (_, header) => {
  const { status, head, body } = await get(of("tile/entries/000"), header);
  expect(status).toBe(401);
  expect(head).toMatch(/www-authenticate: Bearer /iu);
  expect(JSON.parse(body)).toMatchObject({ code: "ERR_AUDIT_AUDITOR" });
});

test("the entries have no other spelling that needs no token", async () => {
  for (const path of [
    "tile//entries/000",
    "tile/%65ntries/000",
    "tile/ENTRIES/000",
    "tile/0/../entries/000",
    "tile/entries//000",
  ])
    expect([401, 404]).toContain((await get(of(path))).status);
});

test("the log itself serves its tiles: as many hashes as its head says, and the entries they are of", async () => {
  const plain = await openBroker('[[audit.auditors]]\nname = "acme"\ntoken = { env = "AGENTKEYS_TEST_AUDITOR" }\n');
  try {
    const known = (await (await fetch(`${plain.url}/.well-known/agentkeys`)).json()) as {
      log: { log_id: string; vkey: string; epochs: { log_id: string; vkeys: string[] }[] };
    };
    const { log_id: id, vkey, epochs } = known.log;
    expect(epochs.at(-1)).toMatchObject({ log_id: id, vkeys: [vkey] });
    const base = `${plain.url}/v1/audit/logs/${id}`;
    const size = Number((await (await fetch(`${base}/checkpoint`)).text()).split("\n")[1]);
    expect(size).toBeGreaterThan(0);
    const hashes = await fetch(`${base}/tile/0/000.p/${size}`);
    expect({ status: hashes.status, bytes: (await hashes.bytes()).length }).toEqual({ status: 200, bytes: 32 * size });
    expect((await fetch(`${base}/tile/0/000.p/${size + 1}`)).status).toBe(404);
    const entries = `${base}/tile/entries/000.p/${size}`;
    expect((await fetch(entries)).status).toBe(401);
    expect((await fetch(entries, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  } finally {
    await plain.close();
  }
});

test("guesses at a token are few", async () => {
  const guessed = await openBroker("[limits]\nfailures = 3\n");
  try {
    const guess = () =>
      fetch(`${guessed.url}${of("tile/entries/000")}`, { headers: { authorization: `Bearer ${"x".repeat(40)}` } });
    const statuses = [];
    for (let at = 0; at < 4; at += 1) statuses.push((await guess()).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
  } finally {
    await guessed.close();
  }
});

test("a token that could be guessed, or that two auditors share, is refused at the start", () => {
  const refused = expect.objectContaining({ code: "ERR_CONFIG_SECRET" });
  expect(() => createAuditors([{ name: "a", token: "short" }])).toThrow(refused);
  expect(() => createAuditors([{ name: "a", token: `${token} ` }])).toThrow(refused);
  expect(() =>
    createAuditors([
      { name: "a", token },
      { name: "b", token },
    ]),
  ).toThrow(refused);
  expect(createAuditors([{ name: "a", token }]).authenticate(`bearer ${token}`)).toBe("a");
  expect(() => createAuditors([]).authenticate("Bearer ")).toThrow(
    expect.objectContaining({ code: "ERR_AUDIT_AUDITOR" }),
  );
});

test("a broker whose auditor's token file others can read does not start", async () => {
  const file = join(broker.folder, "token");
  writeFileSync(file, token, { mode: 0o644 });
  await expect(
    openBroker(`[[audit.auditors]]\nname = "acme"\ntoken = { file = ${JSON.stringify(file)} }\n`),
  ).rejects.toMatchObject({ code: "ERR_CONFIG_SECRET" });
});
