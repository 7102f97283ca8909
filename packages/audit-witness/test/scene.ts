import type { AuditAnchor, Evidence, PublishResult, TreeHead } from "@agentkeys/core";
import { createCall, createFakeHost, createTestLog, type FakeHost, type TestLog } from "@agentkeys/testkit";
import { onTestFinished } from "vitest";
import plugin from "../src/index.ts";
import { makeFolder, startProxy, startWitness, type FaultyProxy, type RunningWitness } from "./support.ts";

/** What a test of the anchor plays with. */
export interface Scene {
  readonly log: TestLog;
  readonly witness: RunningWitness;
  readonly proxy: FaultyProxy;
  readonly host: FakeHost;
  readonly anchor: AuditAnchor;
  readonly publish: (head?: TreeHead, timeout?: number) => Promise<PublishResult>;
}

/** A witness, a proxy before it, and an anchor that knows only the proxy. */
export async function makeScene(...args: readonly string[]): Promise<Scene> {
  const log = createTestLog();
  const folder = makeFolder();
  const witness = await startWitness(folder.path, ...(args.length > 0 ? args : ["--log", log.vkey]));
  const proxy = await startProxy(witness.url);
  onTestFinished(async () => {
    await proxy.close();
    await witness.end("SIGKILL");
    folder.remove();
  });
  return { log, witness, proxy, ...(await open(log, { url: proxy.url, vkey: witness.vkey })) };
}

/** One more anchor, that remembers nothing. */
export async function open(
  log: TestLog,
  config: { url: string; vkey: string },
): Promise<Pick<Scene, "host" | "anchor" | "publish">> {
  const host = createFakeHost({ name: "witness" });
  const anchor = await plugin.create(config, host);
  const publish = async (head = log.head(), timeout = 10_000): Promise<PublishResult> =>
    anchor.publish(head, log.tools, createCall(host, { timeout }));
  return { host, anchor, publish };
}

/** The evidence of a publish that must have succeeded. */
export function evidenceOf(result: PublishResult): Evidence {
  if (result.status !== "ok" && result.status !== "already") throw new Error(JSON.stringify(result));
  return result.evidence;
}
