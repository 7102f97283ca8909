// What an operator may do to the files of a broker, and what the broker says at its next start.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createPrivateKey, sign } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatCheckpoint, parseVkey, signNote } from "@agentkeys/log";
import { ask, claim, grant, openBroker, pair, type TestBroker } from "./harness.ts";
import { runProgram, startProgram } from "../programs.ts";
import { setTimeout as wait } from "node:timers/promises";

// The far side of an anchor: what it says stands in a file.
const modules = join(import.meta.dirname, "../../.agentkeys-test/node_modules/@acme/audit-far");
mkdirSync(modules, { recursive: true });
writeFileSync(
  join(modules, "package.json"),
  JSON.stringify({ name: "@acme/audit-far", version: "1.0.0", type: "module", exports: { default: "./index.js" } }),
);
writeFileSync(
  join(modules, "index.js"),
  `import { existsSync, readFileSync } from "node:fs";
const config = { "~standard": { version: 1, vendor: "acme", validate: (value) => ({ value }) } };
export default { kind: "audit", name: "far", apiVersion: 1, capabilities: ["anchor"], config, manifest: { minIntervalMs: 1 },
  create: async ({ says }) => {
    const said = () => existsSync(says) ? JSON.parse(readFileSync(says, "utf8")) : {};
    return { head: async () => said().head, publish: async () => said().publish ?? { status: "retry", afterMs: 100, reason: "nothing to say" },
      refresh: async (one) => one, verifyOnline: async () => true, ready: async () => ({ status: "ready" }), close: async () => undefined };
  } };`,
);

let broker: TestBroker;
let says: string;
beforeEach(async () => {
  says = join(import.meta.dirname, `../../.agentkeys-test/far-${process.pid}-${Math.random()}`);
  broker = await openBroker(
    `[audit]\nanchors = ["far"]\n[audit.far]\nplugin = "@acme/audit-far"\nsays = ${JSON.stringify(says)}\n`,
  );
});
afterEach(async () => {
  await broker.close();
  rmSync(says, { force: true });
});

const data = (): string => join(broker.folder, "data");
const highWater = (): string => join(broker.folder, "data.high-water/high-water");
const sizeOf = (note: string): number => Number(note.split("\n")[1]);
const config = (): string[] => ["--config", join(broker.folder, "agentkeys.toml")];

test("the file outside of data_dir follows the log within a second, and stands at its head after a stop", async () => {
  await claim(broker);
  await expect
    .poll(async () => sizeOf(readFileSync(highWater(), "utf8")), { timeout: 3000 })
    .toBe(((await (await fetch(`${broker.url}/v1/audit/lag`)).json()) as { size: number }).size);
  await broker.restart();
  await broker.restart();
  expect(sizeOf(readFileSync(highWater(), "utf8"))).toBeGreaterThan(3);
});

test("an old data_dir put back over a newer one makes the program refuse, with exit code 78", async () => {
  await broker.stop();
  const old = join(broker.folder, "old");
  cpSync(data(), old, { recursive: true });
  const running = startProgram(config(), broker.folder);
  await running.ready;
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  rmSync(data(), { recursive: true });
  cpSync(old, data(), { recursive: true });
  const refused = await runProgram(config(), broker.folder);
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain("ERR_AUDIT_REWOUND");
  expect(refused.stderr).toContain("recover --new-epoch");
  expect(refused.stdout).toBe("");

  const unsure = await runProgram(["recover", "--new-epoch", ...config()], broker.folder);
  expect(unsure).toMatchObject({ code: 64, stderr: expect.stringContaining("nothing was changed") as unknown });
  const recovered = await runProgram(["recover", "--new-epoch", "--yes", ...config()], broker.folder);
  expect(recovered.stderr).toBe("");
  expect(recovered).toMatchObject({ code: 0, stdout: expect.stringMatching(/goes on as \S+\/2;/u) as unknown });
  await broker.restart();
  const known = (await (await fetch(`${broker.url}/.well-known/agentkeys`)).json()) as { log: { origin: string } };
  expect(known.log.origin).toMatch(/\/2$/u);
});

test("a kill -9 leaves files that the next start takes", async () => {
  await broker.stop();
  const running = startProgram(config(), broker.folder);
  await running.ready;
  running.kill("SIGKILL");
  await running.ended;
  await broker.restart();
  expect(sizeOf(readFileSync(highWater(), "utf8"))).toBeGreaterThan(1);
});

test("a file that is gone, damaged or of another log refuses the start, and says what to do", async () => {
  await broker.stop();
  const note = readFileSync(highWater(), "utf8");
  const lines = note.split("\n");
  for (const [what, text] of [
    ["missing", undefined],
    ["damaged", "no note"],
    ["no key of this log has signed it", lines.with(1, "999").join("\n")],
    ["no epoch of this one", lines.with(0, "127.0.0.1/audit/00000000/1").join("\n")],
  ] as const) {
    if (text === undefined) rmSync(highWater());
    else writeFileSync(highWater(), text);
    await expect(broker.restart()).rejects.toMatchObject({
      code: "ERR_AUDIT_HIGH_WATER",
      message: expect.stringContaining(what) as unknown,
    });
  }
  writeFileSync(highWater(), note);
  await broker.restart();
});

test("another log of the same size and origin is a fork", async () => {
  await broker.stop();
  const before = join(broker.folder, "before");
  cpSync(data(), before, { recursive: true });
  cpSync(highWater(), join(broker.folder, "first-note"));
  await broker.restart();
  await broker.stop();
  const kept = readFileSync(highWater());
  // The same broker again from the same copy: its next records are others.
  for (const folder of [data(), join(broker.folder, "data.high-water")]) rmSync(folder, { recursive: true });
  cpSync(before, data(), { recursive: true });
  mkdirSync(join(broker.folder, "data.high-water"));
  writeFileSync(highWater(), readFileSync(join(broker.folder, "first-note")));
  await broker.restart();
  await broker.restart();
  await broker.stop();
  writeFileSync(highWater(), kept);
  await expect(broker.restart()).rejects.toMatchObject({ code: "ERR_AUDIT_FORK" });
});

test("an anchor that has more of the log refuses the start, and one that does not answer does not", async () => {
  await broker.stop();
  writeFileSync(says, JSON.stringify({ head: 1000 }));
  await expect(broker.restart()).rejects.toMatchObject({
    code: "ERR_AUDIT_REWOUND",
    facts: { witness: "audit.far", there: 1000 },
  });
  writeFileSync(says, "no JSON");
  await broker.restart();
});

test("an anchor that shows a fork stops issuing, keeps both heads, and refuses the next start", async () => {
  const { caller } = await claim(broker);
  const { agent, id } = await pair(broker, caller);
  await grant(caller, id);
  expect((await ask(agent)).status).toBe(200);
  writeFileSync(says, JSON.stringify({ publish: { status: "fork", size: 1, theirs: "their head" } }));
  await expect.poll(async () => (await ask(agent)).body["code"], { timeout: 5000 }).toBe("ERR_AUDIT_FORK");
  const fork = join(broker.folder, "data.high-water/fork-far.json");
  await expect.poll(() => existsSync(fork), { timeout: 3000 }).toBe(true);
  const kept = JSON.parse(readFileSync(fork, "utf8")) as object;
  expect(kept).toMatchObject({
    anchor: "far",
    theirs: "their head",
    ours: expect.stringContaining("/audit/") as unknown,
  });
  await wait(2100);
  const ready = await fetch(`${broker.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain("both heads are in");
  await expect(broker.restart()).rejects.toMatchObject({ code: "ERR_AUDIT_FORK" });
  rmSync(says);
  rmSync(fork);
  await broker.restart();
});

/** A head of the log that it never had, under its own key. */
async function signAhead(records: number): Promise<string> {
  const { signing_keys: keys } = JSON.parse(readFileSync(join(data(), "audit-sqlite/log-keys.json"), "utf8"));
  const { origin, ed25519_seed: seed } = keys.at(-1);
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(seed, "hex")]),
    format: "der",
    type: "pkcs8",
  });
  const known = (await (await fetch(`${broker.url}/.well-known/agentkeys`)).json()) as { log: { vkey: string } };
  const text = formatCheckpoint({ origin, size: records, root: new Uint8Array(32).fill(7) });
  return signNote(text, parseVkey(known.log.vkey), (bytes) => sign(null, bytes, privateKey));
}

test("an anchor that only says it is ahead stops nothing; one that shows our own signature does", async () => {
  const { caller } = await claim(broker);
  const { agent, id } = await pair(broker, caller);
  await grant(caller, id);
  const lied = { status: "ahead", size: 1000, theirs: readFileSync(highWater(), "utf8") };
  writeFileSync(says, JSON.stringify({ publish: lied }));
  await expect.poll(() => broker.lines.some((line) => line.includes("anchor.ahead")), { timeout: 5000 }).toBe(true);
  expect((await ask(agent)).status).toBe(200);
  const kept = join(broker.folder, "data.high-water/fork-far.json");
  expect(existsSync(kept)).toBe(false);
  const theirs = await signAhead(1000);
  writeFileSync(says, JSON.stringify({ publish: { ...lied, theirs } }));
  await broker.restart();
  await expect.poll(() => existsSync(kept), { timeout: 10_000 }).toBe(true);
  expect((await ask(agent)).body).toMatchObject({ status: 503, code: "ERR_AUDIT_FORK" });
  expect(readFileSync(kept, "utf8")).toContain(JSON.stringify(theirs).slice(1, -1));
});
