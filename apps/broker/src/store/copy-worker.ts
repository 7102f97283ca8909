// Copies the store for a backup: one read transaction, which no writer waits for.
import { workerData } from "node:worker_threads";
import Database from "better-sqlite3";

const { file, target } = workerData as { readonly file: string; readonly target: string };
const client = new Database(file, { fileMustExist: true });
try {
  client.prepare("VACUUM INTO ?").run(target);
} finally {
  client.close();
}
