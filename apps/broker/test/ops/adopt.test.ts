// A broker is killed while an issuer is asked and never comes back: its successor closes and seals its log, by the real programs.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeRecord, Outcome, RecordType, type AuditRecord } from "@agentkeys/log";
import { ask, claim, freePort, grant, pair, type ReachableBroker } from "../flows/harness.ts";
import { install } from "../flows/install.ts";
import { runProgram, startProgram, type RunningProgram } from "../programs.ts";

install(
  "issuer-hung",
  `export default { kind: "issuer", name: "hung", apiVersion: 1, capabilities: ["remote"], config, create: async () => ({ ...life,
  parseScope: (text) => JSON.parse(text),
  identityToken: () => undefined,
  issue: async () => { process.stdout.write("asked\\n"); return new Promise(() => undefined); },
}) };`,
);

const root = join(import.meta.dirname, "../../.agentkeys-test");
const scope = { actions: ["read"], resources: ["urn:hung:thing"] };
let folder: string;
let running: RunningProgram[];

beforeEach(() => {
  mkdirSync(root, { recursive: true });
  folder = mkdtempSync(join(root, "a-"));
  running = [];
});
afterEach(async () => {
  for (const one of running) one.kill("SIGKILL");
  await Promise.all(running.map(async ({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the configuration of a broker with a folder of its own; answers its URL. */
async function configure(name: string): Promise<string> {
  const port = await freePort();
  writeFileSync(
    join(folder, `${name}.toml`),
    `[broker]
listen = "127.0.0.1:${port}"
data_dir = "${name}"
[issuer]
names = ["oidc", "hung"]
[issuer.hung]
plugin = "@acme/issuer-hung"
[[rights]]
who = { role = "operator" }
issuer = "hung"
scope = { actions = ["read"], resources = ["urn:hung:thing"] }
max_ttl = "1h"
`,
  );
  return `http://127.0.0.1:${port}`;
}

async function start(name: string): Promise<ReachableBroker & { readonly program: RunningProgram }> {
  const url = await configure(name);
  const program = startProgram(["--config", `${name}.toml`], folder);
  running.push(program);
  await program.ready;
  const claimCode = () => readFileSync(join(folder, name, "claim-code"), "utf8").trim();
  return { url, claimCode, program };
}

const originOf = async ({ url }: ReachableBroker): Promise<string> =>
  ((await (await fetch(`${url}/.well-known/agentkeys`)).json()) as { log: { origin: string } }).log.origin;
const adopt = async (...args: string[]) => runProgram(["adopt", ...args, "--yes", "--config", "next.toml"], folder);

/** The records in a dead broker's log, in their order. */
function readLog(name: string): readonly AuditRecord[] {
  const database = new Database(join(folder, name, "audit-sqlite/log.db"), { readonly: true });
  try {
    const rows = database.prepare("SELECT entry FROM entries ORDER BY position").all() as { entry: Uint8Array }[];
    return rows.map(({ entry }) => decodeRecord(entry));
  } finally {
    database.close();
  }
}

test("the intents of a dead broker are closed as unknown, once, and its log ends with the name of the successor", async () => {
  const dead = await start("dead");
  const { caller: person } = await claim(dead);
  const { agent, id } = await pair(dead, person);
  expect((await grant(person, id, { issuer: "hung", scope })).status).toBe(201);
  const asked = dead.program.says(/asked/u);
  const cut = ask(agent, { issuer: "hung", scope }).catch(() => "cut");
  await asked;
  dead.program.kill("SIGKILL");
  expect(await cut).toBe("cut");
  await dead.program.ended;

  await configure("next");
  expect(await adopt("dead")).toMatchObject({ code: 64, stderr: expect.stringContaining("start the successor first") });
  const next = await start("next");
  const successor = await originOf(next);
  const first = await adopt("dead");
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining("1 uses without a result") });
  const records = readLog("dead");
  const [intent, ...others] = records.filter(({ type }) => type === RecordType.intent);
  expect(others).toEqual([]);
  const results = records.filter(({ type, parent }) => type === RecordType.issued && parent === intent!.id);
  expect(results.map(({ outcome, code }) => [outcome, code])).toEqual([
    [Outcome.unknown, "ERR_ISSUER_OUTCOME_UNKNOWN"],
  ]);
  expect(records.at(-1)).toMatchObject({ type: RecordType.epochSealed, body: { successor } });

  // Again, e.g. because the first try was cut short: nothing stands behind the seal.
  expect((await adopt("dead")).code).toBe(0);
  expect(readLog("dead")).toEqual(records);
  const again = startProgram(["--config", "dead.toml"], folder);
  running.push(again);
  expect(await again.ended).toMatchObject({ code: 78, stderr: expect.stringContaining(successor) });
  expect(readLog("dead")).toEqual(records);

  // What a person means by it all the same has a name of its own.
  expect((await runProgram(["recover", "--new-epoch", "--yes", "--config", "dead.toml"], folder)).code).toBe(0);
  const revived = startProgram(["--config", "dead.toml"], folder);
  running.push(revived);
  await revived.ready;
}, 120_000);

test("what a broker uses, or runs on, is not adopted", async () => {
  await start("next");
  expect(await adopt("next")).toMatchObject({ code: 64, stderr: expect.stringContaining("own data") });
  expect((await adopt("next/keys")).code).toBe(64);
  const other = await start("other");
  expect(await adopt("other")).toMatchObject({ code: 78, stderr: expect.stringContaining("ERR_AUDIT_IN_USE") });
  expect((await fetch(`${other.url}/healthz`)).status).toBe(200);
}, 60_000);
