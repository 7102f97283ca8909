import { randomFillSync } from "node:crypto";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AgentKeysError, type HostStore, type PluginHost, type SecretReference } from "@agentkeys/core";
import type { Logger } from "../ops/logger.ts";
import { createHostFetch } from "./host-fetch.ts";

/** What the broker needs to lend a host to one plug-in. */
export interface HostParts {
  readonly kind: string;
  readonly name: string;
  readonly publicUrl: string;
  readonly dataDirectory: string;
  /** The configuration file: secret files are resolved from its folder. */
  readonly origin: string;
  /** `host:port` pairs on private networks that plug-ins may reach. */
  readonly allowPrivate: ReadonlySet<string>;
  readonly now: () => number;
  readonly logger: Logger;
  /** Adds to one of the plug-in's own measurements. */
  readonly measure: (name: string, value: number) => void;
  readonly store: HostStore;
}

/** Makes the host of one plug-in; its folder is `<data_dir>/<kind>-<name>`, mode 0700. */
export function createHost(parts: HostParts): PluginHost {
  const prefix = `${parts.kind}.${parts.name}`;
  const folder = join(parts.dataDirectory, `${parts.kind}-${parts.name}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    name: parts.name,
    publicUrl: parts.publicUrl,
    dataDirectory: folder,
    now: parts.now,
    random: (size) => randomFillSync(new Uint8Array(size)),
    log: (level, event, fields) => parts.logger[level](`${prefix}.${event}`, fields),
    metric: (name, value) => {
      // A name that is no name could carry anything into the metrics, and a value that is no number would spoil its sum.
      if (/^[a-z][a-z0-9_]{0,63}$/u.test(name) && Number.isFinite(value) && value >= 0) parts.measure(name, value);
      else parts.logger.warn("plugin.metric_refused", { plugin: prefix });
    },
    fetch: createHostFetch(parts.allowPrivate),
    store: parts.store,
    secret: async (reference) => openSecret(reference, dirname(parts.origin)),
  };
}

/**
 * Opens `{file}` (relative to `folder`, mode 0600 or stricter; a credential of systemd has what mode systemd gives it) or `{env}`. A
 * final line end is cut.
 */
export function openSecret(reference: SecretReference, folder: string): string {
  const refuse = (name: string, reason: string): AgentKeysError =>
    new AgentKeysError("ERR_CONFIG_SECRET", `secret ${name}: ${reason}`, { reference: name, reason });
  if ("env" in reference) {
    const value = process.env[reference.env];
    if (value === undefined || value === "") throw refuse(`env ${reference.env}`, "the variable is not set");
    return value;
  }
  const path = resolve(folder, reference.file);
  try {
    if ((statSync(path).mode & othersOf(path)) !== 0) throw refuse(`file ${path}`, "others can read it; run chmod 600");
    return readFileSync(path, "utf8").replace(/\r?\n$/u, "");
  } catch (fault) {
    if (fault instanceof AgentKeysError) throw fault;
    throw refuse(`file ${path}`, fault instanceof Error ? fault.message : String(fault));
  }
}

/**
 * The permissions that a secret's file must not give. systemd grants its credentials to the service's user by an access list, which
 * shows as a right of the group to read; the folder they lie in lets nobody else in.
 */
function othersOf(path: string): number {
  const credentials = process.env["CREDENTIALS_DIRECTORY"];
  return credentials !== undefined && dirname(path) === credentials ? 0o037 : 0o077;
}
