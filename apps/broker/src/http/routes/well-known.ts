import type { Broker } from "../../broker.ts";
import type { BrokerApp } from "../app.ts";
import { countStranger } from "../context.ts";

/** Discovery: of the broker itself, of OpenID Connect, of OAuth (RFC 8414). */
export function wellKnownRoutes(app: BrokerApp, broker: Broker): void {
  const url = broker.publicUrl;
  app.get("/.well-known/agentkeys", async (c) => {
    countStranger(broker, c, "reads");
    const [head, epochs] = await Promise.all([
      broker.log.head(c.get("requestId")),
      broker.log.epochs(c.get("requestId")),
    ]);
    return c.json({
      api_version: 1,
      public_url: url,
      methods: [...broker.auth.values()].map((one) => ({
        name: one.name,
        flow: one.flow,
        identity_types: one.identityTypes,
      })),
      issuers: [...broker.issuers.keys()],
      log: {
        origin: head.origin,
        log_id: head.logId,
        vkey: head.vkey,
        epochs: epochs.map(({ origin, logId, vkeys, size }) => ({ origin, log_id: logId, vkeys, size })),
      },
      anchors: broker.anchors.map((one) => one.name),
      plugins: broker.plugins,
      clients: broker.clients,
      claimed: broker.readings.isClaimed(),
    });
  });
  let described: Promise<string> | undefined;
  app.get("/openapi.json", async (c) => {
    countStranger(broker, c, "reads");
    described ??= describe(url);
    return c.body(await described, 200, {
      "content-type": "application/json",
      "cache-control": "public, max-age=300",
    });
  });
  app.get("/.well-known/jwks.json", (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json(broker.keys.jwks());
  });
  const algorithms = ["ES256", ...(broker.keys.workloadRs256 === undefined ? [] : ["RS256"])];
  app.get("/.well-known/openid-configuration", (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json({
      issuer: url,
      jwks_uri: `${url}/.well-known/jwks.json`,
      // There is no authorization endpoint: tokens are issued to agents only, by /v1/credentials.
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: algorithms,
      claims_supported: ["iss", "sub", "aud", "iat", "exp", "jti", "agentkeys"],
    });
  });
  app.get("/.well-known/oauth-authorization-server", (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json({
      issuer: url,
      jwks_uri: `${url}/.well-known/jwks.json`,
      token_endpoint: `${url}/oauth/token`,
      device_authorization_endpoint: `${url}/oauth/device_authorization`,
      revocation_endpoint: `${url}/oauth/revoke`,
      introspection_endpoint: `${url}/oauth/introspect`,
      grant_types_supported: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ["none"],
      dpop_signing_alg_values_supported: ["ES256", "EdDSA"],
    });
  });
}

/** Loaded when it is first asked for: most brokers never are, and none shall start later for it. */
async function describe(url: string): Promise<string> {
  const { openApiDocument } = await import("../openapi/document.ts");
  return JSON.stringify(openApiDocument(url));
}
