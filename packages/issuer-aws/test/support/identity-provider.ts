// The broker as an identity provider, for a store that wants a certificate with each key, which AWS does not.
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, SignJWT } from "jose";
import type { IssueOrder } from "@agentkeys/core";

/** A provider that runs. */
export interface IdentityProvider {
  readonly issuer: string;
  /** SHA-1 of its certificate, upper hex. */
  readonly thumbprint: string;
  /** A token for an order, of its key or of another. */
  sign(order: Omit<IssueOrder, "identityToken">, change?: { audience?: string; isForged?: boolean }): Promise<string>;
  close(): Promise<void>;
}

/** Starts it. */
export async function startIdentityProvider(): Promise<IdentityProvider> {
  const folder = mkdtempSync(join(tmpdir(), "agentkeys-provider-"));
  const makeKey = (name: string) => {
    const files = ["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.crt`)];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=keys", ...files],
      {
        stdio: "ignore",
      },
    );
    return {
      key: createPrivateKey(readFileSync(join(folder, `${name}.key`))),
      certificate: new X509Certificate(readFileSync(join(folder, `${name}.crt`))),
    };
  };
  const [own, other] = [makeKey("own"), makeKey("other")];
  rmSync(folder, { recursive: true });
  const jwk = {
    ...(await exportJWK(own.certificate.publicKey)),
    kid: "k1",
    alg: "RS256",
    use: "sig",
    x5c: [own.certificate.raw.toString("base64")],
  };
  const server = createServer((incoming, outgoing) => {
    const described = { issuer, jwks_uri: `${issuer}/jwks`, id_token_signing_alg_values_supported: ["RS256"] };
    outgoing.setHeader("content-type", "application/json");
    outgoing.end(JSON.stringify(incoming.url?.endsWith("openid-configuration") === true ? described : { keys: [jwk] }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    thumbprint: own.certificate.fingerprint.replaceAll(":", ""),
    async sign(
      { agent, account, grant, record, issuedAt, expiresAt },
      { audience = "sts.amazonaws.com", isForged = false } = {},
    ) {
      return new SignJWT({ agentkeys: { account, agent, grant, record } })
        .setProtectedHeader({ alg: "RS256", kid: "k1" })
        .setIssuer(issuer)
        .setSubject(`agentkeys:agent:${agent}`)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(isForged ? other.key : own.key);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
