import { AgentKeysError } from "@agentkeys/core";
import type { JWK } from "jose";
import * as v from "valibot";
import { tryParseJson } from "./json.ts";
import type { Session } from "./session.ts";
import { parseTrust, type Trust } from "./trust.ts";

/** All that an agent needs to work. A secret: it holds the key and the session. */
export interface AgentProfile {
  /** The broker's public URL. */
  readonly broker: string;
  readonly clientId: string;
  /** The agent's id, `agt_…`. */
  readonly agent: string;
  /** The private JWK. */
  readonly key: JWK;
  readonly trust: Trust;
  readonly session: Session;
}

const profileSchema = v.strictObject({
  version: v.literal(1),
  broker: v.string(),
  client_id: v.string(),
  agent: v.string(),
  key: v.record(v.string(), v.string()),
  trust: v.strictObject({ log: v.string(), witnesses: v.array(v.string()) }),
  session: v.strictObject({ access_token: v.string(), expires_at: v.number(), refresh_token: v.string() }),
});

/** JSON text of a profile, to be stored where only its owner reads. */
export function formatProfile(profile: AgentProfile): string {
  const { broker, clientId, agent, key, trust, session } = profile;
  const { accessToken, expiresAt, refreshToken } = session;
  const stored: v.InferInput<typeof profileSchema> = {
    version: 1,
    broker,
    client_id: clientId,
    agent,
    key: key as Record<string, string>,
    trust: { log: trust.log, witnesses: [...trust.witnesses] },
    session: { access_token: accessToken, expires_at: expiresAt, refresh_token: refreshToken },
  };
  return `${JSON.stringify(stored, undefined, 2)}\n`;
}

/** The profile of {@link formatProfile}'s text. Throws ERR_CONFIG_PROFILE. */
export function parseProfile(text: string): AgentProfile {
  const parsed = v.safeParse(profileSchema, tryParseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const reason = `the agent's profile is damaged at ${v.getDotPath(issue) ?? "its root"}: ${issue.message}`;
    throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
  }
  const { broker, client_id: clientId, agent, key, trust, session } = parsed.output;
  parseTrust(trust);
  return {
    broker,
    clientId,
    agent,
    key,
    trust,
    session: {
      accessToken: session.access_token,
      expiresAt: session.expires_at,
      refreshToken: session.refresh_token,
    },
  };
}
