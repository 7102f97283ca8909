import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newRecordId, type AuditEvent, type AuditLog, type Call, type PluginHost } from "@agentkeys/core";
import { parseReceipt, parseVkey, verifyReceipt, type VerifiedReceipt } from "@agentkeys/log";
import { onTestFinished } from "vitest";
import plugin from "../src/index.ts";
import { openParts } from "../src/thread/open-parts.ts";

/** A folder of its own for a test, removed when it ends. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "agentkeys-audit-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestHost extends PluginHost {
  readonly lines: { readonly level: string; readonly event: string }[];
}

/** A host with a real clock and real randomness; it keeps what is logged. */
export function makeHost(folder: string): TestHost {
  const lines: { level: string; event: string }[] = [];
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const absent = (): never => {
    throw new Error("the log has no use for this");
  };
  return {
    lines,
    name: "sqlite",
    publicUrl: "https://keys.example",
    dataDirectory: folder,
    now: () => Date.now(),
    random: (size) => randomBytes(size),
    log: (level, event) => lines.push({ level, event }),
    metric: () => undefined,
    fetch: absent,
    secret: absent,
    store: { get: absent, put: absent, claim: absent, take: absent, delete: absent, list: absent },
  };
}

/** A call without an end but its signal's: how long a file of tests takes is the machine's business. */
export function makeCall(signal: AbortSignal = new AbortController().signal): Call {
  return { requestId: "req_test", signal, deadline: Number.MAX_SAFE_INTEGER };
}

/** Opens the log of a folder; it is closed when the test ends. */
export async function openTestLog(folder: string, host: PluginHost = makeHost(folder)): Promise<AuditLog> {
  const log = await plugin.create({ file: "log.db" }, host);
  onTestFinished(async () => log.close());
  return log;
}

/** Opens the parts of the log in a folder, in this thread. */
export function openTestParts(folder: string): ReturnType<typeof openParts> {
  const file = join(folder, "log.db");
  return openParts({ file, folder, host: "keys.example", random: randomBytes(101), mostPerCommit: 1 });
}

export const account = "ef52cca30b09cd173a4926f0e3609f438d6197fb9e83ee358335b1e76002a6a9";

/** The event of an issued credential. */
export function issued(changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: newRecordId(Date.now(), randomBytes(10)),
    time: Date.now(),
    type: 2,
    outcome: 1,
    account,
    agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
    wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
    issuer: "oidc",
    scope: '{"actions":["token"],"resources":["https://api.example.com"]}',
    policy: "cd".repeat(32),
    grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
    credential: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
    validity: [1_764_000_000, 1_764_000_600],
    ...changes,
  };
}

/** The event of a boot: no person in it. */
export function boot(changes: Partial<AuditEvent> = {}): AuditEvent {
  const plugins = [{ name: "@agentkeys/audit-sqlite", version: "0.1.0", integrity: "sha512-AAAA" }];
  return {
    id: newRecordId(Date.now(), randomBytes(10)),
    time: Date.now(),
    type: 40,
    outcome: 0,
    body: { plugins },
    ...changes,
  };
}

/** Verifies a receipt against the log's key, as a stranger would. */
export async function verify(log: AuditLog, receipt: string | undefined): Promise<VerifiedReceipt> {
  const { vkey } = await log.head(makeCall());
  return verifyReceipt(parseReceipt(receipt ?? ""), { log: parseVkey(vkey) });
}

/** The code of the error a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "nothing",
    (error: unknown) => (error as { code?: unknown }).code ?? error,
  );
}
