// What anyone may read of the anchors: how far each is behind, and how it is doing.
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, openBroker, type TestBroker } from "./harness.ts";
import { install } from "./install.ts";

// Anchors that do as their section says.
install(
  "audit-willing",
  `import { noteHash, toHex } from "@agentkeys/log";
export default { kind: "audit", name: "willing", apiVersion: 1, capabilities: ["anchor"], config,
  manifest: { checks: "existence", offline: "none", publishes: [], minIntervalMs: 100 },
  async create({ mood }, host) { return { ...life, head: async () => 0, refresh: async (one) => one, verifyOnline: async () => true,
    publish: async (head) => {
      if (mood === "throws") throw new Error("the far side's password is hunter2");
      if (mood === "ahead") return { status: "ahead", size: 1000000 };
      if (mood === "fork") return { status: "fork", size: 1, theirs: "x" };
      if (mood !== "ok") return mood === "retry" ? { status: "retry", afterMs: 100, reason: "busy" } : { status: "refused", reason: "no more" };
      const text = head.note.slice(0, head.note.indexOf("\\n\\n") + 1);
      return { status: "ok", evidence: { anchor: host.name, size: head.size, note_hash: toHex(noteHash(text)), finality: 4, proof: {} } };
    } }; } };`,
);

const moods = ["ok", "retry", "ahead", "fork", "refused", "throws"] as const;
let broker: TestBroker;
let metrics: string;
beforeAll(async () => {
  const port = await freePort();
  metrics = `http://127.0.0.1:${port}/metrics`;
  broker = await openBroker(`[metrics]
listen = "127.0.0.1:${port}"
[audit]
anchors = [${moods.map((mood) => `"${mood}"`).join(", ")}]
${moods.map((mood) => `[audit.${mood}]\nplugin = "@acme/audit-willing"\nmood = "${mood}"\n`).join("")}`);
});
afterAll(() => broker.close());

interface Lag {
  readonly size: number;
  readonly anchors: readonly { readonly name: string; readonly status: string; readonly lag_records: number }[];
}
const lag = async (): Promise<Lag> => (await fetch(`${broker.url}/v1/audit/lag`)).json() as Promise<Lag>;

test("the lag says of each anchor what became of its last publish, and why", async () => {
  await expect.poll(async () => (await lag()).anchors.every(({ status }) => status !== "starting")).toBe(true);
  const { size, anchors } = await lag();
  const behind = { size: 0, lag_records: size };
  expect(anchors).toEqual([
    { name: "ok", size, lag_records: 0, published_at: expect.any(String), status: "ok" },
    { name: "retry", ...behind, status: "retry", reason: "busy" },
    { name: "ahead", ...behind, status: "ahead", reason: "it has a larger head of this log, of 1000000 records" },
    { name: "fork", ...behind, status: "fork", reason: "it has another root for 1 records" },
    { name: "refused", ...behind, status: "refused", reason: "no more" },
    { name: "throws", ...behind, status: "failed", reason: "ERR_PLUGIN_FAILED" },
  ]);
});

test("the metrics say how far each is behind, and how long ago it took a head", async () => {
  const { size } = await lag();
  const text = await (await fetch(metrics)).text();
  expect(text).toContain(`agentkeys_log_size ${size}\n`);
  expect(text).toContain(`agentkeys_anchor_size{anchor="ok"} ${size}\n`);
  expect(text).toContain('agentkeys_anchor_lag_records{anchor="ok"} 0\n');
  expect(text).toContain(`agentkeys_anchor_lag_records{anchor="refused"} ${size}\n`);
  expect(text).toMatch(/agentkeys_anchor_age_seconds\{anchor="ok"\} \d/u);
  expect(text).not.toContain('agentkeys_anchor_age_seconds{anchor="refused"}');
  expect(text).toMatch(/agentkeys_outbox_waiting 0\n/u);
});
