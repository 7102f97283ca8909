import { readConfig } from "../boot/read-config.ts";
import { startBroker } from "../boot/serve.ts";
import { createLogger } from "../ops/logger.ts";
import { exit, print } from "./command.ts";
import { explain } from "./explain.ts";

/** Runs a broker until it is told to stop; answers its exit code. */
export async function start(file: string | undefined): Promise<number> {
  const config = readConfig(file);
  const logger = createLogger((line) => process.stderr.write(line), Date.now, config.logLevel);
  const running = await startBroker(
    config,
    logger,
    (text) => process.stderr.write(text),
    (error) => {
      explain(error);
      // Nothing may be acknowledged after a failed storage: no draining, no closing.
      process.exit(exit.storage);
    },
  );
  // Before it is said to be ready: whoever reads that may stop it at once.
  const stopped = new Promise<void>((resolve) => {
    for (const [signal, number] of [
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const)
      process.once(signal, () => {
        logger.info("stopping", { signal });
        // Whoever asks twice does not want to wait: what was acknowledged is durable already.
        process.once("SIGINT", () => process.exit(128 + number)).once("SIGTERM", () => process.exit(128 + number));
        resolve();
      });
  });
  print(`ready ${running.publicUrl}`);
  await stopped;
  await running.close();
  return exit.done;
}
