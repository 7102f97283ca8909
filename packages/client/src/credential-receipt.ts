import { AgentKeysError, formatScope, parseScope, type Json, type Scope } from "@agentkeys/core";
import { parseReceipt, verifyReceipt, type ReceiptTrust, type VerifiedReceipt } from "@agentkeys/log";
import { holdsTokenOf, readClaims } from "./token-claims.ts";

/** A credential as the broker answered it, not yet believed. */
export interface UnprovenCredential {
  readonly id: string;
  readonly issuer: string;
  readonly type: string;
  readonly value: Json;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What was asked for, by whom, of whom. */
export interface CredentialClaim {
  readonly broker: string;
  readonly agent: string;
  readonly issuer: string;
  readonly scope: Scope;
  /** Seconds. */
  readonly ttl: number;
  readonly grant?: string | undefined;
}

/**
 * "Receipt or reject": verifies that the receipt is of this very credential, in the pinned log, for this agent and no wider than
 * asked, and that a token says the same of itself. Throws ERR_AUDIT_RECEIPT; the credential must then not be used.
 */
export async function proveCredential(
  credential: UnprovenCredential,
  receiptText: string,
  claim: CredentialClaim,
  trust: ReceiptTrust,
): Promise<VerifiedReceipt> {
  const validity = [credential.issuedAt, credential.expiresAt] as const;
  const verified = await verifyReceipt(parseReceipt(receiptText), trust, {
    agent: claim.agent,
    scope: formatScope(parseScope(claim.scope)),
    credential: credential.id,
    validity,
  });
  if (credential.issuer !== claim.issuer || verified.record.issuer !== claim.issuer) {
    throw reject("the record is of another issuer");
  }
  if (validity[1] - validity[0] > claim.ttl) throw reject("the credential lives longer than asked");
  // By whatever name it comes: relying parties would take a token of this broker's for what it says of itself.
  if (credential.type === "jwt" || holdsTokenOf(credential.value, claim.broker))
    assertToken(credential, claim, verified.record.id);
  return verified;
}

/** What issuer-oidc writes into a token must be what the record says. */
function assertToken(credential: UnprovenCredential, claim: CredentialClaim, record: string): void {
  const claims = readClaims(credential.value);
  if (claims === undefined) throw reject("the credential is no token");
  const { agentkeys } = claims;
  const expected: readonly (readonly [string, unknown, unknown])[] = [
    ["jti", claims.jti, credential.id],
    ["iat", claims.iat, credential.issuedAt],
    ["exp", claims.exp, credential.expiresAt],
    ["iss", claims.iss, claim.broker],
    ["sub", claims.sub, `agentkeys:agent:${claim.agent}`],
    ["aud", claims.aud, claim.scope.resources.length === 1 ? claim.scope.resources[0] : undefined],
    ["agentkeys.agent", agentkeys.agent, claim.agent],
    ["agentkeys.record", agentkeys.record, record],
    ["agentkeys.grant", agentkeys.grant, claim.grant ?? agentkeys.grant],
  ];
  const wrong = expected.find(([, found, wanted]) => wanted === undefined || found !== wanted);
  if (wrong !== undefined) throw reject(`the token's ${wrong[0]} is not that of its record`);
}

function reject(reason: string): AgentKeysError<"ERR_AUDIT_RECEIPT"> {
  return new AgentKeysError("ERR_AUDIT_RECEIPT", reason, { reason });
}
