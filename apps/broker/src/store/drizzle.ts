import { createRequire } from "node:module";
import type * as betterSqlite from "drizzle-orm/better-sqlite3";
import type * as core from "drizzle-orm/sqlite-core";
import type * as orm from "drizzle-orm";

// drizzle's package.json is 180 KB, and Node reads it again for every ES module of the package: an `import` of it takes 0.4 s and
// 220 MB, in each thread. The same code as CommonJS takes 0.05 s and 20 MB.
const load = createRequire(import.meta.url);

/** drizzle's conditions and SQL texts; what the rest of the broker takes in place of an import of `drizzle-orm`. */
export const { and, asc, count, desc, eq, gt, gte, inArray, isNotNull, isNull, lt, lte, ne, or, sql } = load(
  "drizzle-orm",
) as typeof orm;

/** drizzle's tables and columns; in place of an import of `drizzle-orm/sqlite-core`. */
export const { blob, index, integer, primaryKey, sqliteTable, text } = load("drizzle-orm/sqlite-core") as typeof core;

/** drizzle over a connection of better-sqlite3; in place of an import of `drizzle-orm/better-sqlite3`. */
export const { drizzle } = load("drizzle-orm/better-sqlite3") as typeof betterSqlite;
