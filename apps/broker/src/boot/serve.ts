import { mkdirSync } from "node:fs";
import * as v from "valibot";
import { AgentKeysError } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Broker } from "../broker.ts";
import { newEvent } from "../flows/event.ts";
import { reconcileIntents } from "../flows/reconcile-intents.ts";
import { createApp } from "../http/app.ts";
import { openListener } from "../http/listener.ts";
import { createProxyCheck } from "../http/source.ts";
import { createTraffic } from "../http/traffic.ts";
import { startAnchorLoop } from "../ops/anchor-loop.ts";
import { backUp } from "../ops/backup.ts";
import { openControl, type ControlActions } from "../ops/control.ts";
import { collectState } from "../ops/collect.ts";
import type { Logger } from "../ops/logger.ts";
import { serveMetrics } from "../ops/metrics-listener.ts";
import { startSweep } from "../ops/sweep.ts";
import { summarize } from "../programs/backup.ts";
import { rotatable, rotateKey } from "../programs/keygen.ts";
import { renewClaimCode } from "./claim-code.ts";
import { compose } from "./compose.ts";
import type { BrokerConfig } from "./read-config.ts";

/** A serving broker. */
export interface RunningBroker {
  readonly publicUrl: string;
  /**
   * Takes no request any more, lets those that run end within a deadline, carries what waits to the log, closes everything. `/readyz`
   * is 503 from its first moment on.
   */
  close(): Promise<void>;
}

/** How long requests that run have to end, in milliseconds; those left are refused. */
const drainTime = 10_000;
/** How long connections have to take their answer and go, after that. */
const goodbyeTime = 2000;

/**
 * Boots a broker: plug-ins, boot record, claim code, anchors, listener, metrics. Throws what refuses the boot; then nothing is left
 * open.
 */
export async function startBroker(
  config: BrokerConfig,
  logger: Logger,
  show: (text: string) => void,
  onFatal: (error: Error) => void,
): Promise<RunningBroker> {
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  // First of all: a second broker on the same data ends here, before it touches any of it.
  const control = await openControl(config.dataDirectory, logger);
  const closers: (() => Promise<void> | void)[] = [() => control.close()];
  const closeAll = async (): Promise<void> => {
    for (const one of closers.splice(0).toReversed()) await one();
  };
  try {
    const { broker, registry, close } = await compose(config, logger, onFatal);
    closers.push(close);
    assertNotSealed(broker);
    await broker.log.append(bootEvent(broker), "boot");
    await broker.outbox.drain();
    await reconcileIntents(broker);
    await renewClaimCode(broker, config.dataDirectory, show);
    closers.push(() => broker.outbox.drain());
    const loops = broker.anchors.map((anchor) => startAnchorLoop({ ...broker, anchor, now: broker.now }));
    closers.push(async () => void (await Promise.all(loops.map((loop) => loop.close()))));
    const sweep = startSweep(broker);
    closers.push(() => sweep.close());
    const traffic = createTraffic(config.limits.requests);
    if (config.metrics !== undefined) {
      const collected = collectState(broker, registry, () => traffic.running);
      closers.push(() => collected.close());
      const metrics = await serveMetrics(registry, config.metrics);
      closers.push(() => metrics.close());
    }
    const listener = await openListener(createApp(broker, hostsOf(config), traffic).fetch, {
      ...config.listen,
      connections: config.limits.connections,
      isProxy: createProxyCheck(config.trustedProxies),
      onRefused: (reason) => broker.metrics.connectionsRefused.with(reason).add(),
    });
    closers.push(async () => {
      // The port stays open meanwhile, so that whoever comes is told why, and a load balancer sees /readyz turn.
      await traffic.drain(drainTime);
      await listener.close(goodbyeTime);
    });
    control.serve(actionsOf(broker, config));
    return { publicUrl: broker.publicUrl, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

const backupInput = v.strictObject({ directory: v.string() });
const rotateInput = v.strictObject({ purpose: v.picklist(rotatable) });

/** What programs of the same user may ask of this broker. */
function actionsOf(broker: Broker, config: BrokerConfig): ControlActions {
  return {
    backup: async (input) => {
      const { directory } = v.parse(backupInput, input);
      return summarize(await backUp({ ...broker, dataDirectory: config.dataDirectory }, directory));
    },
    origin: async () => ({ origin: (await broker.log.head("control")).origin }),
    rotate: async (input) => rotateKey(broker, v.parse(rotateInput, input).purpose),
  };
}

/** Throws ERR_AUDIT_SEALED where a successor has adopted this data. */
function assertNotSealed({ readings }: Broker): void {
  const successor = readings.seal()?.body?.["successor"];
  if (typeof successor === "string")
    throw new AgentKeysError("ERR_AUDIT_SEALED", `${successor} has adopted this log`, { successor });
}

function bootEvent(broker: Broker) {
  const plugins = broker.plugins.map(({ package: name, version, integrity }) => ({ name, version, integrity }));
  return newEvent(broker, RecordType.boot, { outcome: Outcome.notApplicable, body: { plugins } });
}

/**
 * Names in the Host header that this broker answers to: its public one, those configured and, on a loopback listener, the loopback
 * ones.
 */
function hostsOf(config: BrokerConfig): ReadonlySet<string> {
  const { host, port } = config.listen;
  const isLoopback = host === "::1" || host === "localhost" || host.startsWith("127.");
  return new Set([
    new URL(config.publicUrl).host,
    ...config.hosts,
    ...(isLoopback ? [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`] : []),
  ]);
}
