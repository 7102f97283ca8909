import type { WorkerStart } from "../protocol.ts";
import { KeyFile } from "../upkeep/key-file.ts";
import { Upkeep, type OpenParts } from "../upkeep/upkeep.ts";
import { drawFrom } from "./batch.ts";
import { LogIdentity } from "../upkeep/identity.ts";
import { MerkleLog } from "./merkle-log.ts";
import { OpeningsVault } from "../upkeep/openings.ts";
import { LogStore } from "./store.ts";

/** Opens the log of a folder; a first boot makes it. */
export function openParts({ file, folder, host, random }: WorkerStart): OpenParts & { readonly upkeep: Upkeep } {
  const store = new LogStore(file);
  const keyFile = new KeyFile(folder);
  const identity = LogIdentity.open(store, keyFile, host, drawFrom(random));
  const vault = new OpeningsVault(store, identity.openingsKey);
  const log = new MerkleLog(store, identity, vault);
  const parts = { file, store, keyFile, identity, vault, log };
  return { ...parts, upkeep: new Upkeep(parts) };
}
