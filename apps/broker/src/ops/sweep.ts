import type { Broker } from "../broker.ts";

const interval = 60_000;

/** Once a minute: drops what has outlived its use. */
export function startSweep(broker: Broker): { close(): void } {
  const sweep = async (): Promise<void> => {
    const now = broker.now();
    await broker.store.write("sweepUses", { now });
    await broker.store.write("sweepProposals", { now });
    await broker.store.write("sweepValues", { now });
  };
  const timer = setInterval(() => {
    sweep().catch((error: unknown) =>
      broker.logger.warn("sweep.failed", { reason: error instanceof Error ? error.message : String(error) }),
    );
  }, interval);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
