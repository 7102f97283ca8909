import type { Readiness } from "@agentkeys/core";
import type { Broker } from "../../broker.ts";
import type { BrokerApp } from "../app.ts";
import type { Traffic } from "../traffic.ts";

/** One plug-in's readiness, asked of the real thing. */
async function ask(kind: string, name: string, ready: () => Promise<Readiness>) {
  const found = await ready().catch((error: unknown): Readiness => ({
    status: "unready",
    reason: error instanceof Error ? error.message : "it failed",
  }));
  return { kind, name, ...found, docs: `docs/operate/readiness.md#${kind}-${name}` };
}

/** Liveness, and readiness with a reason for each plug-in. An anchor that is away does not make the broker unready. */
export function healthRoutes(app: BrokerApp, broker: Broker, traffic: Pick<Traffic, "isDraining">): void {
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  const known: { at: number; answer?: Promise<ReadinessOfAll> } = { at: 0 };
  app.get("/readyz", async (c) => {
    if (traffic.isDraining) return c.json({ status: "unready", reason: "the broker is stopping", plugins: [] }, 503);
    // Anyone may ask, and each answer logs in to a mail server or asks a chain: once in a few seconds is enough.
    const now = broker.now();
    if (known.answer === undefined || Math.abs(now - known.at) > rememberedFor) {
      known.at = now;
      known.answer = askAll(broker, c.get("requestId"));
    }
    const { plugins, isReady, isWhole } = await known.answer;
    return c.json({ status: isReady ? (isWhole ? "ready" : "degraded") : "unready", plugins }, isReady ? 200 : 503);
  });
}

/** How long a readiness answer is repeated, in milliseconds. */
const rememberedFor = 2000;

type ReadinessOfAll = Awaited<ReturnType<typeof askAll>>;

async function askAll(broker: Broker, id: string) {
  const plugins = await Promise.all([
    ...[...broker.auth.values()].map((one) => ask("auth", one.name, () => one.ready(id))),
    ask("wallet", broker.wallet.name, () => broker.wallet.ready(id)),
    ask("audit", broker.log.name, () => broker.log.ready(id)),
    ...broker.anchors.map((one) => ask("audit", one.name, () => one.ready(id))),
    ...[...broker.issuers.values()].map((one) => ask("issuer", one.name, () => one.ready(id))),
  ]);
  const guards = [broker.freeze.reason, broker.highWater.reason].flatMap((reason) =>
    reason === undefined
      ? []
      : [
          {
            kind: "audit",
            name: "high-water",
            status: "unready",
            reason,
            docs: "docs/operate/readiness.md#high-water",
          },
        ],
  );
  const anchors = new Set(broker.anchors.map((one) => one.name));
  const isReady = plugins.every((one) => one.status !== "unready" || (one.kind === "audit" && anchors.has(one.name)));
  const isWhole = plugins.every((one) => one.status === "ready");
  return { plugins: [...plugins, ...guards], isReady: isReady && guards.length === 0, isWhole };
}
