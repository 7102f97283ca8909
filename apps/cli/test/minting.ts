import { randomBytes } from "node:crypto";
import { newIdentifier, newRecordId } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import type { Received } from "../../../packages/client/test/test-broker.ts";
import type { AccountBroker } from "./account-broker.ts";
import { agentId } from "./made-home.ts";

/** Mints as a broker does; answers the record's index with the body. */
export function mint(
  broker: AccountBroker,
  { text }: Received,
): { index: number; record: string; credential: Record<string, unknown> } {
  const { issuer, scope, ttl } = JSON.parse(text);
  const [record, id] = [newRecordId(Date.now(), randomBytes(10)), newIdentifier("jti", randomBytes(16))];
  const issuedAt = Math.floor(Date.now() / 1000);
  const grant = newIdentifier("grn", randomBytes(16));
  const event = {
    id: record,
    time: Date.now(),
    type: RecordType.issued,
    outcome: Outcome.ok,
    account: broker.account,
    agent: agentId,
    issuer,
    scope: JSON.stringify(scope),
    policy: "cd".repeat(32),
    grant,
    credential: id,
    validity: [issuedAt, issuedAt + ttl],
  } as const;
  const claims = {
    iss: broker.url,
    sub: `agentkeys:agent:${agentId}`,
    aud: scope.resources[0],
    jti: id,
    iat: issuedAt,
    exp: issuedAt + ttl,
    agentkeys: { account: broker.account, agent: agentId, grant, record },
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000", "");
  return {
    index: broker.log.append(event),
    record,
    credential: {
      id,
      issuer,
      type: "jwt",
      value: `${part({ alg: "ES256" })}.${part(claims)}.${randomBytes(64).toString("base64url")}`,
      issued_at: instant(issuedAt),
      expires_at: instant(issuedAt + ttl),
    },
  };
}

/** Answers every ask with a credential and its receipt, which can be fetched again. `lives` shortens them, in seconds. */
export function serveCredentials(broker: AccountBroker, lives?: number): void {
  broker.routes.set("POST /v1/credentials", (received) => {
    const { index, credential, record } = mint(broker, shorten(received, lives));
    broker.routes.set(`GET /v1/audit/receipts/${record}`, () => ({ status: 200, body: broker.log.receipt(index) }));
    return { status: 200, body: { credential, receipt: JSON.parse(broker.log.receipt(index)) } };
  });
}

function shorten(received: Received, lives: number | undefined): Received {
  const asked = JSON.parse(received.text);
  return { ...received, text: JSON.stringify({ ...asked, ttl: lives ?? asked.ttl }) };
}

/** The value of a credential of type `aws`. */
export interface AwsValue {
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly session_token: string;
  readonly expiration: string;
  readonly region?: string;
}

/** Answers every ask with AWS keys that are new each time, and answers their list. `lives` shortens them, in seconds. */
export function serveAwsCredentials(
  broker: AccountBroker,
  { lives, ...change }: Partial<AwsValue> & { readonly lives?: number } = {},
): readonly AwsValue[] {
  const served: AwsValue[] = [];
  broker.routes.set("POST /v1/credentials", (received) => {
    const { index, credential } = mint(broker, shorten(received, lives));
    const value = {
      access_key_id: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
      secret_access_key: randomBytes(30).toString("base64"),
      session_token: randomBytes(200).toString("base64"),
      expiration: String(credential["expires_at"]),
      region: "eu-central-1",
      ...change,
    };
    served.push(value);
    const body = { credential: { ...credential, type: "aws", value }, receipt: JSON.parse(broker.log.receipt(index)) };
    return { status: 200, body };
  });
  return served;
}
