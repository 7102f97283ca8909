import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import { logId, parseVkey, toHex } from "@agentkeys/log";
import * as v from "valibot";
import { parseBrokerUrl } from "./broker-url.ts";
import type { BrokerConnection } from "./connection.ts";
import { strange } from "./exchange.ts";

const descriptionSchema = v.object({
  api_version: v.literal(1),
  public_url: v.string(),
  methods: v.array(v.object({ name: v.string(), flow: v.picklist(["in_band", "out_of_band"]) })),
  issuers: v.array(v.string()),
  log: v.object({ origin: v.string(), log_id: v.string(), vkey: v.string() }),
  claimed: v.boolean(),
});

/** What a broker says of itself at `/.well-known/agentkeys`. */
export interface BrokerDescription {
  readonly methods: readonly { readonly name: string; readonly flow: "in_band" | "out_of_band" }[];
  readonly issuers: readonly string[];
  /** The log's origin and its key as a C2SP vkey: to be pinned when one first meets a broker, never later. */
  readonly log: { readonly origin: string; readonly vkey: string };
  /** False until the first account, which becomes the operator's. */
  readonly isClaimed: boolean;
}

/**
 * Asks the broker what it is. Throws ERR_AUTH_BROKER when its `public_url` is not the address dialled: every proof and every
 * sign-in message would name another one.
 */
export async function describeBroker(connection: BrokerConnection): Promise<BrokerDescription> {
  const path = "/.well-known/agentkeys";
  const told = await connection.ask({ method: "GET", path, show: "nothing" }, descriptionSchema);
  const { broker } = connection;
  if (!isSameBroker(told.public_url, broker)) {
    throw new AgentKeysError("ERR_AUTH_BROKER", `${broker} says that it is ${told.public_url}`, {
      expected: broker,
      found: told.public_url,
    });
  }
  const { origin, log_id: id, vkey } = told.log;
  if (!isLogKey(origin, vkey) || id !== toHex(logId(origin))) {
    throw strange(`${broker}${path}`, "the log's key is not that of its origin");
  }
  return { methods: told.methods, issuers: told.issuers, log: { origin, vkey }, isClaimed: told.claimed };
}

function isSameBroker(told: string, dialled: string): boolean {
  try {
    return parseBrokerUrl(told) === dialled;
  } catch (error) {
    if (isAgentKeysError(error, "ERR_REQUEST_MALFORMED")) return false;
    throw error;
  }
}

function isLogKey(origin: string, vkey: string): boolean {
  try {
    const key = parseVkey(vkey);
    return key.algorithm === 1 && key.name === origin;
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUDIT_PROOF")) return false;
    throw error;
  }
}
