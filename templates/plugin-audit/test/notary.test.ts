import { createCall, createFakeHost, createTestLog } from "@agentkeys/testkit";
import { expect, it } from "vitest";
import plugin from "../src/index.ts";
import { verifyOffline } from "../src/verify.ts";
import { startNotary } from "./notary.ts";

it("signs a head that extends the last, shows a fork, and its statement verifies offline", async () => {
  const log = createTestLog();
  const notary = await startNotary(log.vkey);
  const host = createFakeHost({ name: "template" });
  const anchor = await plugin.create({ url: notary.url, public_key: notary.publicKey }, host);
  try {
    log.grow(3);
    const first = await anchor.publish(log.head(), log.tools, createCall(host));
    log.grow(4);
    const second = await anchor.publish(log.head(), log.tools, createCall(host));
    expect([first.status, second.status]).toEqual(["ok", "ok"]);
    const evidence = second.status === "ok" ? second.evidence : undefined;
    expect(await verifyOffline(log.head(), evidence!, { public_key: notary.publicKey })).toBe(true);
    expect(await verifyOffline(log.head(3), evidence!, { public_key: notary.publicKey })).toBe(false);

    const other = log.fork(5);
    other.grow(9);
    const fork = await anchor.publish(other.head(), other.tools, createCall(host));
    expect(fork).toMatchObject({ status: "fork", size: 7, theirs: log.head().root });
  } finally {
    await anchor.close();
    await notary.close();
  }
});
