import Database from "better-sqlite3";
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { migrate } from "../../src/store/migrate.ts";
import { migrations } from "../../src/store/migrations.ts";
import * as schema from "../../src/store/schema.ts";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

const tables = Object.values(schema).filter((value) => is(value, SQLiteTable));
const client = new Database(":memory:");
migrate(client, migrations);

/** Columns of each index by its name; an automatic one, of UNIQUE or PRIMARY KEY, goes by its columns. */
function indexesOf(table: string): readonly string[] {
  const list = client.pragma(`index_list(${table})`) as readonly { name: string; unique: number; origin: string }[];
  return list.map(({ name, unique, origin }) => {
    const columns = (client.pragma(`index_info(${name})`) as readonly { name: string }[]).map((column) => column.name);
    return `${origin === "c" ? name : origin} ${unique === 1 ? "unique " : ""}(${columns.join(", ")})`;
  });
}

test("the SQL and drizzle's tables say the same of every table, column, key and index", () => {
  const made = client
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'schema_steps' ORDER BY name",
    )
    .pluck()
    .all();
  expect(made).toStrictEqual(tables.map((table) => getTableConfig(table).name).toSorted());
  for (const table of tables) {
    const { name, columns, primaryKeys, indexes } = getTableConfig(table);
    const keyed = primaryKeys.flatMap((key) => key.columns.map((column) => column.name));
    const keys = keyed.length > 0 ? keyed : columns.filter((column) => column.primary).map((column) => column.name);
    const expected = columns.map((column) => ({
      name: column.name,
      type: column.getSQLType().toUpperCase(),
      isNullable: !column.notNull && !keys.includes(column.name),
      key: keys.indexOf(column.name) + 1,
    }));
    const found = (client.pragma(`table_info(${name})`) as readonly Column[]).map((column) => ({
      name: column.name,
      type: column.type,
      isNullable: column.notnull === 0 && column.pk === 0,
      key: column.pk,
    }));
    expect(found, name).toStrictEqual(expected);

    const declared = [
      ...indexes.map(({ config }) => {
        const on = config.columns.map((column) => ("name" in column ? column.name : "?"));
        return `${config.name} ${config.unique ? "unique " : ""}(${on.join(", ")})`;
      }),
      ...columns.filter((column) => column.isUnique).map((column) => `u unique (${column.name})`),
    ];
    const others = indexesOf(name).filter((index) => !index.startsWith("pk "));
    expect(others.toSorted(), name).toStrictEqual(declared.toSorted());
  }
});
