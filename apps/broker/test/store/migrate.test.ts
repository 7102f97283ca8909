import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { afterAll, describe, expect, test } from "vitest";
import { program } from "../../src/program.ts";
import { releaseUse } from "../../src/store/commands/uses.ts";
import { drizzle } from "../../src/store/drizzle.ts";
import { openStore } from "../../src/store/engine-store.ts";
import { openWriter } from "../../src/store/engine-connection.ts";
import { migrations } from "../../src/store/migrations.ts";
import { createReadings } from "../../src/store/readings.ts";
import { grants } from "../../src/store/schema.ts";

const folder = mkdtempSync(join(tmpdir(), "agentkeys-migrate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
function newFile(): string {
  count += 1;
  const inside = join(folder, String(count));
  mkdirSync(inside);
  return join(inside, "broker.db");
}

/** A database that the first release made: one operator, one agent, one grant, two credentials. */
const firstRelease = gunzipSync(readFileSync(join(import.meta.dirname, "fixtures/broker-1.db.gz")));

const tablesOf = (client: Database.Database): unknown =>
  client
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
    .pluck()
    .all()
    .map((name) => [
      name,
      (client.pragma(`table_info(${String(name)})`) as { name: string; type: string; notnull: number; pk: number }[])
        .map((column) => `${column.name} ${column.type} ${column.notnull} ${column.pk}`)
        .toSorted(),
    ]);

describe("a file of the first release", () => {
  test("becomes one of this release, with every row", async () => {
    const file = newFile();
    writeFileSync(file, firstRelease);
    const store = await openStore(file, { onFatal: (error) => expect.unreachable(error.message) });
    try {
      const readings = createReadings(store.read);
      expect(readings.isClaimed()).toBe(true);
      const client = new Database(file, { readonly: true });
      expect(client.pragma("user_version", { simple: true })).toBe(migrations.length);
      const account = client.prepare("SELECT account FROM accounts").pluck().get() as string;
      const [agent] = readings.agentsOf(account);
      expect(readings.account(account)).toMatchObject({ role: "operator" });
      expect(readings.grantsOfAgent(agent?.id ?? "", Date.now())).toMatchObject([{ account, issuer: "oidc", uses: 2 }]);
      expect(client.prepare("SELECT count(*) FROM idempotency").pluck().get()).toBe(2);

      const fresh = openWriter(newFile(), migrations);
      expect(tablesOf(client)).toStrictEqual(tablesOf(fresh));
      fresh.close();
      client.close();
    } finally {
      await store.close();
    }
  });
});

describe("a file of the version before budgets", () => {
  test("has counted a unit for each use, has no budget, and serves on", () => {
    const file = newFile();
    const before = openWriter(file, migrations.slice(0, 3));
    before.exec(`INSERT INTO grants (id, account, agent, issuer, scope, delivery, uses, created_at)
      VALUES ('grn_1', 'acc', 'agt_1', 'oidc', '{}', 'release', 7, 1)`);
    before.exec(`INSERT INTO idempotency (key, body_hash, "grant", record, credential, recorded_at, issued_at, expires_at, kept_until)
      VALUES (x'01', x'02', 'grn_1', 'rec', 'jti', 1000, 1, 301, 301000)`);
    before.close();
    const client = openWriter(file, migrations);
    const db = drizzle(client);
    expect(db.select().from(grants).get()).toMatchObject({
      uses: 7,
      usedUnits: 7,
      usedSeconds: 0,
      budgetUnits: null,
      budgetSeconds: null,
    });
    releaseUse(db, { key: "\u0001", grant: "grn_1" });
    expect(db.select().from(grants).get()).toMatchObject({ uses: 6, usedUnits: 6 });
    client.close();
  });
});

describe("a migration", () => {
  const one = ["CREATE TABLE entries (id INTEGER PRIMARY KEY) STRICT", "INSERT INTO entries VALUES (7)"];
  const two = ["ALTER TABLE entries ADD COLUMN name TEXT NOT NULL DEFAULT 'nobody'"];
  const made = (): string => {
    const file = newFile();
    openWriter(file, [one]).close();
    return file;
  };

  test("keeps a private copy of the file as it was", () => {
    const file = made();
    openWriter(file, [one, two]).close();
    const copy = new Database(`${file}.schema-1`, { readonly: true });
    expect(copy.pragma("user_version", { simple: true })).toBe(1);
    expect(copy.prepare("SELECT * FROM entries").all()).toStrictEqual([{ id: 7 }]);
    expect(statSync(`${file}.schema-1`).mode & 0o777).toBe(0o600);
    copy.close();
  });

  test("of an empty file keeps no copy", () => {
    const file = newFile();
    openWriter(file, [one, two]).close();
    expect(() => statSync(`${file}.schema-0`)).toThrow("ENOENT");
    expect(() => statSync(`${file}.schema-1`)).toThrow("ENOENT");
  });

  test("that fails in a step keeps the steps before it, nothing of it, and can be taken up again", () => {
    const file = made();
    expect(() => openWriter(file, [one, two, ["INSERT INTO entries (id) VALUES (8)", "no SQL"]])).toThrow(
      "syntax error",
    );
    const client = openWriter(file, [one, two, ["INSERT INTO entries (id) VALUES (9)"]]);
    expect(client.prepare("SELECT * FROM entries").all()).toStrictEqual([
      { id: 7, name: "nobody" },
      { id: 9, name: "nobody" },
    ]);
    client.close();
  });

  test.each([
    ["one that tells its version", "@agentkeys/broker 9.8.7"],
    ["one that tells none", undefined],
  ])("refuses a file of a newer program, of %s, and leaves it as it is", (_which, writer) => {
    const file = newFile();
    const client = openWriter(file, [one, two]);
    if (writer === undefined) client.exec("DROP TABLE schema_steps");
    else client.prepare("UPDATE schema_steps SET program = ? WHERE version = 2").run(writer);
    client.close();
    const before = readFileSync(file);
    expect(() => openWriter(file, [one])).toThrow(
      expect.objectContaining({
        code: "ERR_STORAGE_NEWER",
        message: `${file} has schema version 2, written by ${writer ?? "a newer program"}; this is ${program}, which knows 1`,
        facts: { path: file, writer: writer ?? "a newer program" },
      }),
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("notes which program made each schema version", () => {
    const file = made();
    const client = openWriter(file, [one, two]);
    expect(client.prepare("SELECT * FROM schema_steps").all()).toStrictEqual([
      { version: 1, program },
      { version: 2, program },
    ]);
    client.close();
  });
});
