import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toCrockford } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { hashSecret, normalizeCode } from "../flows/secret.ts";

/**
 * While nobody has claimed the broker: a new code of 128 bits, stored hashed, shown on stderr (never in the log) and written to
 * `<data_dir>/claim-code`. Once claimed, the file goes.
 */
export async function renewClaimCode(
  broker: Broker,
  dataDirectory: string,
  show: (text: string) => void,
): Promise<void> {
  const file = join(dataDirectory, "claim-code");
  const code = toCrockford(broker.random(16));
  const isOpen = await broker.store.write("renewClaimCode", { hash: hashSecret(normalizeCode(code)) });
  rmSync(file, { force: true });
  if (!isOpen) return;
  writeFileSync(file, `${code}\n`, { mode: 0o600 });
  show(`claim code: ${code}\n`);
}

/** Removes the file of a code that was spent. */
export function removeClaimCode(dataDirectory: string): void {
  rmSync(join(dataDirectory, "claim-code"), { force: true });
}
