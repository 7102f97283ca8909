import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { AgentKeysError } from "@agentkeys/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWriter } from "../../src/store/engine-connection.ts";
import { openEngine, type Engine } from "../../src/store/engine.ts";
import * as counter from "./fixtures/counter.ts";

const definition = new URL("./fixtures/counter.ts", import.meta.url);
let folder: string;
let file: string;
let engine: Engine<typeof counter.commands>;
let fatal: AgentKeysError[];

const open = (): Promise<Engine<typeof counter.commands>> =>
  openEngine(file, definition, { onFatal: (error) => fatal.push(error) });
const ids = (): readonly string[] =>
  engine.read
    .select({ id: counter.entries.id })
    .from(counter.entries)
    .all()
    .map(({ id }) => id);
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  file = join(folder, "data", "broker.db");
  fatal = [];
  engine = await open();
});

afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

describe("writing", () => {
  test("what a resolved write changed is there for the next read", async () => {
    for (let number = 0; number < 200; number++) {
      await engine.write("add", { id: `id-${number}`, number });
      expect(ids()).toHaveLength(number + 1);
    }
  });

  test("commands run in the order they were written, and each sees those before it", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, number) => {
        const added = engine.write("add", { id: `id-${number}`, number });
        const seen = engine.write("numberOf", `id-${number}`);
        await added;
        return seen;
      }),
    );
    expect(answers).toStrictEqual(Array.from({ length: 100 }, (_, number) => number));
  });

  test("every answered command counts as a change before its caller knows, also one that threw; an uncounted one does not", async () => {
    await engine.close();
    engine = await openEngine(file, definition, { onFatal: (error) => fatal.push(error), uncounted: ["numberOf"] });
    await engine.write("add", { id: "first", number: 1 });
    expect(engine.changes).toBe(1);
    await engine.write("numberOf", "first");
    expect(engine.changes).toBe(1);
    await expect(engine.write("add", { id: "first", number: 1 })).rejects.toThrow();
    expect(engine.changes).toBe(2);
  });

  test("a command that throws is undone alone, and its neighbours of the same transaction stay", async () => {
    const results = await Promise.allSettled([
      engine.write("add", { id: "before", number: 1 }),
      engine.write("addThenRefuse", { id: "refused", number: 600 }),
      engine.write("addThenBreak", { id: "broken", number: 1 }),
      engine.write("addTwice", { id: "twice", number: 1 }),
      engine.write("add", { id: "negative", number: -1 }),
      engine.write("addChild", { id: "child", parent: "nobody" }),
      engine.write("add", { id: "after", number: 1 }),
    ]);
    expect(results.map(({ status }) => status === "fulfilled")).toStrictEqual([
      true,
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(ids().toSorted()).toStrictEqual(["after", "before"]);
    expect(fatal).toHaveLength(0);
  });

  test("an AgentKeysError arrives with its code, message and frozen facts", async () => {
    const refused = await engine.write("addThenRefuse", { id: "a", number: 600 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      name: "AgentKeysError",
      code: "ERR_GRANT_TTL",
      message: "that is too long",
      facts: { maximum: 600 },
    });
    expect(Object.isFrozen((refused as AgentKeysError).facts)).toBe(true);
  });

  test("any other error is ERR_INTERNAL, with what happened as its cause", async () => {
    await expect(engine.write("addThenBreak", { id: "a", number: 1 })).rejects.toMatchObject({
      code: "ERR_INTERNAL",
      cause: { message: "TypeError: a mistake in a command" },
    });
    await expect(engine.write("addTwice", { id: "a", number: 1 })).rejects.toMatchObject({
      code: "ERR_INTERNAL",
      cause: { message: expect.stringContaining("UNIQUE constraint failed") },
    });
  });

  test("names that every object has are no commands", async () => {
    for (const name of ["toString", "constructor", "nothing"]) {
      await expect(engine.write(name as "add", { id: "a", number: 1 })).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    }
    expect(fatal).toHaveLength(0);
  });

  test("bytes cross as bytes", async () => {
    const bytes = await engine.write("echo", Uint8Array.of(0, 1, 255));
    expect([...bytes]).toStrictEqual([0, 1, 255]);
  });

  test("more commands than one transaction takes are all answered, each with its own answer", async () => {
    const many = Array.from({ length: 3000 }, (_, number) => number);
    await Promise.all(many.map((number) => engine.write("add", { id: `id-${number}`, number })));
    const seen = await Promise.all(many.map((number) => engine.write("numberOf", `id-${number}`)));
    expect(seen).toStrictEqual(many);
  });
});

describe("a fault of the storage", () => {
  test("it refuses every waiting write, is told once, and keeps nothing of its transaction", async () => {
    await engine.write("add", { id: "acknowledged", number: 1 });
    const results = await Promise.allSettled([
      engine.write("add", { id: "lost", number: 1 }),
      engine.write("readNoTable"),
      engine.write("add", { id: "late", number: 1 }),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "ERR_INTERNAL", message: "the store failed" },
      });
    }
    await expect(engine.write("add", { id: "later", number: 1 })).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    expect(fatal).toHaveLength(1);
    await engine.close();
    engine = await open();
    expect(ids()).toStrictEqual(["acknowledged"]);
  });

  test("a transaction that ended under a command is one: what stood before it must not be answered as kept", async () => {
    const results = await Promise.allSettled([
      engine.write("add", { id: "first", number: 1 }),
      engine.write("addThenEndTransaction", { id: "second", number: 1 }),
    ]);
    expect(results.map(({ status }) => status)).toStrictEqual(["rejected", "rejected"]);
    expect(fatal).toHaveLength(1);
  });
});

describe("closing", () => {
  test("it waits for what was written, and is safe twice", async () => {
    const writes = Array.from({ length: 100 }, (_, number) => engine.write("add", { id: `id-${number}`, number }));
    await Promise.all([engine.close(), engine.close()]);
    await Promise.all(writes);
    engine = await open();
    expect(ids()).toHaveLength(100);
  });

  test("a write afterwards is refused and harms nothing", async () => {
    await engine.close();
    await expect(engine.write("add", { id: "a", number: 1 })).rejects.toMatchObject({
      code: "ERR_REQUEST_SHUTTING_DOWN",
    });
    expect(fatal).toHaveLength(0);
  });
});

describe("the file", () => {
  test("it and its neighbours are 0600 and its folder 0700, also when the file came with another mode", async () => {
    await engine.write("add", { id: "a", number: 1 });
    const files = [file, `${file}-wal`, `${file}-shm`];
    expect(files.map(modeOf)).toStrictEqual(["600", "600", "600"]);
    expect(modeOf(join(folder, "data"))).toBe("700");
    await engine.close();
    chmodSync(file, 0o644);
    engine = await open();
    expect(modeOf(file)).toBe("600");
  });

  test("a commit is durable: WAL with synchronous FULL and fullfsync, and foreign keys are enforced", async () => {
    await engine.close();
    const client = openWriter(file, counter.migrations);
    const read = (name: string): unknown => client.pragma(name, { simple: true });
    expect(
      ["journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync", "foreign_keys", "busy_timeout"].map(read),
    ).toStrictEqual(["wal", 2, 1, 1, 1, 5000]);
    client.close();
  });

  test("the reading side can change nothing", async () => {
    await engine.write("add", { id: "a", number: 1 });
    const writes = engine.read as unknown as { run(query: unknown): unknown };
    expect(() => writes.run(counter.deleteAll)).toThrow("Failed to run the query");
    expect(ids()).toStrictEqual(["a"]);
  });

  test("a file of another schema version, or that is no database, is refused with its name", async () => {
    await engine.close();
    const client = new Database(file);
    client.pragma("user_version = 4");
    client.close();
    await expect(open()).rejects.toMatchObject({
      code: "ERR_STORAGE_NEWER",
      message: expect.stringMatching(/broker\.db has schema version 4/u),
    });
    writeFileSync(file, "no database, whatever its name says".repeat(100));
    await expect(open()).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringContaining("broker.db cannot be used"),
    });
    expect(readFileSync(file, "utf8")).toMatch(/^no database/u);
  });
});
