import type { IdentityTokenAsk, IssueOrder } from "@agentkeys/core";

/**
 * Why a token is not the one that was ordered, or undefined: a compact JWT (RFC 7519) signed with the algorithm asked for, that names
 * audience, id and end of the order, and whose it is. Its signature was made by the host a moment ago and is not checked again.
 */
export function findTokenFault(token: string, ask: IdentityTokenAsk, order: IssueOrder): string | undefined {
  // Letters of base64url alone: the decoder would skip others.
  const [, header, payload] = /^([\w-]+)\.([\w-]+)\.[\w-]+$/u.exec(token) ?? [];
  const [head, claims] = [decode(header), decode(payload)];
  if (head === undefined || claims === undefined) return "it is no JWT";
  const about = toRecord(claims["agentkeys"]);
  const facts: readonly [name: string, found: unknown, ordered: unknown][] = [
    ["alg", head["alg"], ask.algorithm],
    ["aud", claims["aud"], ask.audience],
    ["jti", claims["jti"], order.credentialId],
    ["exp", claims["exp"], order.expiresAt],
    ["agentkeys.account", about?.["account"], order.account],
    ["agentkeys.agent", about?.["agent"], order.agent],
    ["agentkeys.grant", about?.["grant"], order.grant],
    ["agentkeys.record", about?.["record"], order.record],
  ];
  const wrong = facts.find(([, found, ordered]) => found !== ordered);
  return wrong === undefined ? undefined : `its ${wrong[0]} is not that of the order`;
}

function decode(part: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    return toRecord(JSON.parse(Buffer.from(part ?? "", "base64url").toString()));
  } catch {
    return undefined;
  }
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}
