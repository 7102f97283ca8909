import * as v from "valibot";
import { AgentKeysError } from "@agentkeys/core";
import { instant } from "../../json/instant.ts";
import type { Broker } from "../../broker.ts";
import { issueCredential } from "../../flows/issue-credential.ts";
import type { BrokerApp } from "../app.ts";
import { rememberJson } from "../body.ts";
import { presented } from "../context.ts";
import { scopeBody, ttlBody, unitsBody } from "./grants.ts";

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
/** An agent's ask. */
export const credentialBody = v.strictObject({
  issuer: name,
  scope: scopeBody,
  ttl: ttlBody,
  units: v.optional(unitsBody),
  grant: v.optional(name),
});

/** The main job. */
export function credentialRoutes(app: BrokerApp, broker: Broker): void {
  const running = new Set<string>();
  const readAsk = rememberJson(credentialBody);
  app.post("/v1/credentials", async (c) => {
    const key = c.req.header("idempotency-key") ?? "";
    const ask = await readAsk(c.req.raw);
    if (!/^[\x21-\x7e]{8,128}$/u.test(key))
      throw new AgentKeysError("ERR_REQUEST_IDEMPOTENCY_KEY", "the Idempotency-Key header is missing or malformed", {});
    const { credential, recorded, receipt } = await issueCredential(
      broker,
      running,
      presented(c),
      ask,
      key,
      c.get("requestId"),
    );
    const released = JSON.stringify({
      id: credential.id,
      issuer: ask.issuer,
      type: credential.type,
      value: credential.value,
      issued_at: instant(recorded.plan.issuedAt * 1000),
      expires_at: instant(credential.expiresAt * 1000),
    });
    // The receipt is JSON text already, made where the record was written.
    return c.body(`{"credential":${released},"receipt":${receipt}}`, 200, {
      "content-type": "application/json",
    });
  });
}
