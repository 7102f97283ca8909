import { hash } from "node:crypto";

/** The members of a public JWK that say which key it is (RFC 7638 section 3.2, RFC 8037 section 2). */
export type PublicJwk =
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "RSA"; readonly n: string; readonly e: string };

/**
 * The JWK thumbprint (RFC 7638): SHA-256 over the required members in lexical order, in base64url.
 *
 * @example thumbprint({ kty: "EC", crv: "P-256", x: "…", y: "…" })
 */
export function thumbprint(jwk: PublicJwk): string {
  return hash("sha256", JSON.stringify(requiredMembers(jwk)), "base64url");
}

function requiredMembers(jwk: PublicJwk): object {
  if (jwk.kty === "RSA") return { e: jwk.e, kty: jwk.kty, n: jwk.n };
  if (jwk.kty === "OKP") return { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
  return { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
}
