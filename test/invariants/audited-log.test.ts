// The log that a broker really keeps, read by the auditor that does not trust it.
import type { AuditLog } from "@agentkeys/core";
import { logId, toHex } from "@agentkeys/log";
import { expect, it } from "vitest";
import plugin from "../../packages/audit-sqlite/src/index.ts";
import { boot, issued, makeCall, makeFolder, makeHost, openTestLog } from "../../packages/audit-sqlite/test/support.ts";
import { auditLog, parseTrustPolicy, type LogReader } from "../../packages/verify/src/index.ts";

const call = makeCall();
const readerOf = (log: AuditLog, origin: string): LogReader => ({
  read: async (path) => log.upkeep?.tile(toHex(logId(origin)), path, call),
});

async function audit(log: AuditLog, since?: string) {
  const epochs = (await log.upkeep?.epochs(call)) ?? [];
  const { origin = "" } = epochs.at(-1) ?? {};
  const lines = epochs.flatMap(({ vkeys }) => vkeys).map((vkey) => `log ${vkey}\n`);
  return auditLog(readerOf(log, origin), parseTrustPolicy(`${lines.join("")}quorum none\n`), {
    now: Date.now(),
    entries: true,
    epochReader: (name) => readerOf(log, name),
    ...(since === undefined ? {} : { since }),
  });
}

it("is found sound over many tiles, after each new key, and on into a new epoch whose link is checked", async () => {
  const folder = makeFolder();
  const log = await openTestLog(folder);
  await log.append([boot()], call);
  const first = await log.head(call);
  await log.append(
    Array.from({ length: 600 }, () => issued()),
    call,
  );
  for (const _ of [1, 2, 3]) {
    await log.upkeep?.rotateKey(call);
    expect(await audit(log)).toMatchObject({ level: "SIGNED", newKeys: [] });
    await log.append([issued()], call);
  }
  const whole = await audit(log, (await log.head(call)).note);
  expect(whole).toMatchObject({ level: "SIGNED", size: 607, since: 607, records: { count: 607, findings: [] } });
  expect(await audit(log, first.note)).toMatchObject({ level: "SIGNED", since: 1 });
  const last = await log.head(call);
  await log.close();

  await plugin.startEpoch?.({ file: "log.db" }, makeHost(folder));
  const next = await openTestLog(folder);
  await next.append([issued()], call);
  const link = { origin: last.origin, size: 607, checked: true };
  expect(await audit(next, last.note)).toMatchObject({ level: "SIGNED", size: 2, link });
});
