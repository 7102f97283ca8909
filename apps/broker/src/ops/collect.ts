import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Broker } from "../broker.ts";
import type { Registry } from "./registry.ts";

/**
 * What is only looked at when the metrics are read: queues, log and anchors, the process. Answers how to stop watching the event
 * loop.
 */
export function collectState(broker: Broker, registry: Registry, running: () => number): { close(): void } {
  const { metrics } = broker;
  const own = processMetrics(registry);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  registry.collect(() => {
    const now = broker.now();
    const size = broker.log.size;
    metrics.requestsRunning.with().set(running());
    metrics.outboxWaiting.with().set(broker.readings.countWaitingEvents());
    metrics.logSize.with().set(size);
    const newest = new Map(broker.readings.newestEvidence().map((one) => [one.anchor, one]));
    for (const { name } of broker.anchors) {
      const row = newest.get(name);
      metrics.anchorSize.with(name).set(row?.size ?? 0);
      metrics.anchorLag.with(name).set(Math.max(0, size - (row?.size ?? 0)));
      if (row !== undefined) metrics.anchorAge.with(name).set(Math.max(0, (now - row.publishedAt) / 1000));
    }
    own.memory.with().set(process.memoryUsage.rss());
    own.processor.with().set(process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6);
    for (const quantile of [50, 99] as const)
      own.delay.with(String(quantile / 100)).set(delay.percentile(quantile) / 1e9);
    delay.reset();
  });
  return { close: () => void delay.disable() };
}

function processMetrics({ gauge }: Registry) {
  return {
    memory: gauge({ name: "process_resident_memory_bytes", help: "Resident memory." }),
    processor: gauge({ name: "process_cpu_seconds", help: "Processor time since the start, user and system." }),
    delay: gauge({
      name: "agentkeys_event_loop_delay_seconds",
      help: "How late the event loop was, since the last reading.",
      labels: ["quantile"],
    }),
  };
}
