import * as v from "valibot";
import { AgentKeysError } from "@agentkeys/core";
import type { Broker } from "../../broker.ts";
import { hashSecret } from "../../flows/secret.ts";
import { pollPairing } from "../../flows/poll-pairing.ts";
import { startPairing } from "../../flows/start-pairing.ts";
import { refreshSession, revokeSessions } from "../../flows/refresh-session.ts";
import { subjectOf } from "../../steps/authenticate.ts";
import type { BrokerApp } from "../app.ts";
import { readForm } from "../body.ts";
import { countBadSecret } from "../failures.ts";
import { countStranger, proofKey, sourceOf } from "../context.ts";

const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
// Unknown parameters are ignored on OAuth routes (RFC 6749 section 3.2).
/** A device authorization (RFC 8628 section 3.1). */
export const deviceBody = v.object({
  client_id: text(64),
  client_name: v.optional(v.pipe(text(64), v.regex(/^\P{Cc}+$/u, "expected no control characters"))),
  scope: v.optional(text(256)),
});
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
/** A token request: a device code or a refresh token. */
export const tokenBody = v.object({
  grant_type: text(128),
  device_code: v.optional(text(256)),
  refresh_token: v.optional(text(256)),
  client_id: v.optional(text(64)),
});
/** A token to end or to look at (RFC 7009, RFC 7662). */
export const tokenOnly = v.object({ token: text(8192), token_type_hint: v.optional(text(64)) });

/** OAuth for agents (RFC 8628) and refreshing for everyone, bound to the key of the DPoP proof (RFC 9449). */
export function oauthRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/oauth/device_authorization", async (c) => {
    countStranger(broker, c, "sign_ins", "pairing");
    const thumbprint = proofKey(broker, c);
    const body = await readForm(c.req.raw, deviceBody);
    return c.json(
      await startPairing(broker, {
        clientId: body.client_id,
        clientName: body.client_name ?? "",
        thumbprint,
        source: sourceOf(broker, c),
      }),
    );
  });
  app.post("/oauth/token", async (c) => {
    const thumbprint = proofKey(broker, c);
    const body = await readForm(c.req.raw, tokenBody);
    if (body.client_id !== undefined && !broker.clients.includes(body.client_id))
      throw new AgentKeysError("ERR_SESSION_CLIENT", "the client_id is not known here", {});
    if (body.grant_type === deviceGrant) {
      if (body.device_code === undefined || body.client_id === undefined)
        throw malformed("device_code and client_id: both are needed");
      return c.json(await pollPairing(broker, { deviceCode: body.device_code, clientId: body.client_id, thumbprint }));
    }
    if (body.grant_type === "refresh_token") {
      if (body.refresh_token === undefined) throw malformed("refresh_token: expected a text");
      const { refresh_token: refreshToken, client_id: clientId } = body;
      return c.json(await refreshSession(broker, { refreshToken, clientId, thumbprint }));
    }
    throw new AgentKeysError("ERR_SESSION_GRANT_TYPE", "this grant_type is not served", {
      known: [deviceGrant, "refresh_token"],
    });
  });
  app.post("/oauth/revoke", async (c) => {
    const thumbprint = proofKey(broker, c);
    const { token } = await readForm(c.req.raw, tokenOnly);
    const session = findSession(broker, token, thumbprint);
    if (session === undefined) countBadSecret(broker, c);
    else await revokeSessions(broker, session.account, session.id);
    return c.body(null, 200);
  });
  app.post("/oauth/introspect", async (c) => {
    const thumbprint = proofKey(broker, c);
    const { token } = await readForm(c.req.raw, tokenOnly);
    const session = findSession(broker, token, thumbprint);
    if (session === undefined) {
      countBadSecret(broker, c);
      return c.json({ active: false });
    }
    const times =
      session.claims === undefined
        ? { exp: Math.floor(session.expiresAt / 1000) }
        : { exp: session.claims.expiresAt, iat: session.claims.issuedAt };
    return c.json({
      active: true,
      sub: subjectOf(session),
      client_id: session.clientId,
      token_type: "DPoP",
      cnf: { jkt: thumbprint },
      ...times,
    });
  });
}

/** The live session of an access or refresh token, where the proof's key is the one it is bound to. */
function findSession(broker: Broker, token: string, thumbprint: string) {
  const now = broker.now();
  const refresh = /^(ses_[0-9a-z]{26})\.[A-Za-z0-9_-]{43}$/u.exec(token)?.[1];
  const claims = refresh === undefined ? verified(broker, token) : undefined;
  const session = broker.readings.liveSession(refresh ?? claims?.sessionId ?? "", now);
  if (session?.thumbprint !== thumbprint || session.suspendedAt !== null) return undefined;
  if (refresh !== undefined && session.refreshHash !== hashSecret(token)) return undefined;
  return { ...session, claims };
}

function verified(broker: Broker, token: string) {
  try {
    return broker.accessTokens.verify(token);
  } catch {
    return undefined;
  }
}

function malformed(issue: string): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issue, { issues: [issue] });
}
