// Nothing is released unless a record of it is durable: with the log failing in each way it can.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  ask,
  claim,
  grant,
  openBroker,
  pair,
  type Caller,
  type TestBroker,
} from "../../apps/broker/test/flows/harness.ts";
import { install, modules } from "../../apps/broker/test/flows/install.ts";

const mood = join(modules, "../../log-mood");

// A log in memory that appends as the mood file says; it counts what it holds.
install(
  "audit-moody",
  `import { existsSync, readFileSync } from "node:fs";
import { generateKeyPairSync, sign } from "node:crypto";
import { emptyRoot, formatCheckpoint, formatVkey, leafHash, parseVkey, signNote, toBase64 } from "@agentkeys/log";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const vkey = formatVkey("moody", 1, publicKey.export({ type: "spki", format: "der" }).subarray(-32));
const signHead = (size) => {
  const head = { origin: "moody", size, root: size === 0 ? emptyRoot : leafHash(Uint8Array.of(size)) };
  const note = signNote(formatCheckpoint(head), parseVkey(vkey), (bytes) => sign(null, bytes, privateKey));
  return { ...head, root: toBase64(head.root), logId: "00", note, vkey };
};
const mood = () => existsSync(${JSON.stringify(mood)}) ? readFileSync(${JSON.stringify(mood)}, "utf8") : "";
const fail = (code) => Object.defineProperty(Object.assign(new Error(code), { code, facts: { reason: "mood" } }), Symbol.for("agentkeys.error"), { value: true });
export default { kind: "audit", name: "moody", apiVersion: 1, capabilities: ["log"], config, async create() {
  const events = new Map();
  const receipt = (id) => JSON.stringify({ entry: id, tlog_proof: "", anchors: [], openings: [] });
  return {
    async append(list) {
      const now = list.some((event) => event.type === 2) ? mood() : "";
      if (now === "away") throw fail("ERR_AUDIT_UNAVAILABLE");
      if (now === "refusing") throw fail("ERR_AUDIT_RECORD");
      if (now === "throwing") throw new Error("disk on fire");
      if (now === "empty") return [];
      if (now === "hanging") return new Promise(() => undefined);
      for (const event of list) events.set(event.id, event);
      return list.map((event) => ({ index: [...events.keys()].indexOf(event.id), receipt: receipt(event.id) }));
    },
    head: async () => signHead(events.size),
    prove: async () => [],
    receipt: async ({ record }) => events.has(record) ? receipt(record) : undefined,
    read: async ({ account }) => [...events.values()].filter((event) => event.account === account).map((event, index) => ({ index, event })),
    find: async () => undefined,
    ...life,
  };
} };`,
);

let broker: TestBroker;
let person: Caller;
let agent: Caller;
let agentId: string;

beforeAll(async () => {
  rmSync(mood, { force: true });
  broker = await openBroker('[audit]\nlog = "moody"\n[audit.moody]\nplugin = "@acme/audit-moody"\n');
  ({ caller: person } = await claim(broker));
  ({ agent, id: agentId } = await pair(broker, person));
  await grant(person, agentId);
});
beforeEach(() => rmSync(mood, { force: true }));
afterAll(async () => {
  rmSync(mood, { force: true });
  await broker.close();
});

const uses = async () => (await person.call("GET", "/v1/grants")).body.grants[0].uses as number;

test.each([
  ["away", 503, "ERR_AUDIT_UNAVAILABLE"],
  ["throwing", 502, "ERR_PLUGIN_FAILED"],
  ["empty", 502, "ERR_PLUGIN_CONTRACT"],
  ["hanging", 504, "ERR_PLUGIN_TIMEOUT"],
])(
  "with the log %s nothing is released, the use counts once, and the retry after it is the same credential once",
  async (state, status, code) => {
    const key = `key-while-${state}`;
    const before = await uses();
    writeFileSync(mood, state);
    const first = await ask(agent, {}, key);
    expect(first.body).toMatchObject({ status, code });
    expect(JSON.stringify(first.body)).not.toContain("eyJ");
    rmSync(mood);
    const again = await ask(agent, {}, key);
    expect(again.status).toBe(200);
    const third = await ask(agent, {}, key);
    expect(third.body.credential.id).toBe(again.body.credential.id);
    expect(await uses()).toBe(before + 1);
  },
);

test("a record that surely was not written gives its use back", async () => {
  const before = await uses();
  writeFileSync(mood, "refusing");
  expect((await ask(agent, {}, "key-refused-1")).status).toBe(400);
  expect(await uses()).toBe(before);
});
