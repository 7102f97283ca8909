import { dirname } from "node:path";
import { createAuditors, type Auditors } from "../http/auditors.ts";
import { openSecret } from "./host.ts";
import type { BrokerConfig } from "./read-config.ts";

/** The auditors of a configuration, each token read from where it lies. Throws ERR_CONFIG_SECRET. */
export function openAuditors({ auditors, origin }: BrokerConfig): Auditors {
  return createAuditors(auditors.map(({ name, token }) => ({ name, token: openSecret(token, dirname(origin)) })));
}
