import { randomBytes } from "node:crypto";
import { formatScope, newIdentifier, newRecordId, parseScope, type AuditEvent } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import { SignJWT } from "jose";
import { exportKey, makeKey, openAgent, type Agent, type AgentOptions, type AgentProfile } from "../src/index.ts";
import { heldClock, type HeldClock } from "./held-clock.ts";
import { problem, startTestBroker, type Received, type TestBroker } from "./test-broker.ts";

/** The answer of `POST /v1/credentials`. */
export interface Minted {
  credential: Record<string, unknown>;
  receipt: unknown;
}

/** A broker that mints for one agent; a test changes one thing of what it does. */
export interface Minting {
  readonly broker: TestBroker;
  readonly clock: HeldClock;
  /** Changes the record before it is written. */
  alter: (event: AuditEvent) => AuditEvent;
  /** Changes the token's claims. */
  claim: (claims: Record<string, unknown>) => Record<string, unknown>;
  /** Changes the answer. */
  tamper: (minted: Minted) => unknown;
  open(options?: AgentOptions): Promise<Agent>;
}

export const newId = (prefix: string): string => newIdentifier(prefix, randomBytes(16));
export const newRecord = (): string => newRecordId(0, randomBytes(10));

const key = await makeKey();
const agentId = newId("agt");
export const grant = newId("grn");
export const resource = "https://api.example.com";
export const ask = { issuer: "oidc", scope: { actions: ["token"], resources: [resource] }, ttl: 600 };

export async function startMinting(): Promise<Minting> {
  const broker = await startTestBroker();
  const clock = heldClock();
  const answered = new Map<string, Promise<unknown>>();
  broker.routes.set("POST /v1/credentials", async (received) => {
    const idempotencyKey = String(received.headers["idempotency-key"]);
    const answer = answered.get(idempotencyKey) ?? mint(minting, received);
    answered.set(idempotencyKey, answer);
    return { status: 200, body: await answer };
  });
  broker.routes.set("GET /.well-known/agentkeys", () => problem(500, "ERR_INTERNAL"));
  const minting: Minting = {
    broker,
    clock,
    alter: (event) => event,
    claim: (claims) => claims,
    tamper: (minted) => minted,
    async open(options = {}) {
      const profile: AgentProfile = {
        broker: broker.url,
        clientId: "agentkeys",
        agent: agentId,
        key: await exportKey(key),
        trust: { log: broker.log.vkey, witnesses: [broker.log.witnessVkey] },
        session: { accessToken: "access-1", expiresAt: clock.now() + 600_000, refreshToken: "refresh-1" },
      };
      return openAgent(profile, { clock, ...options });
    },
  };
  return minting;
}

async function mint({ broker, clock, alter, claim, tamper }: Minting, received: Received): Promise<unknown> {
  const { issuer, scope, ttl } = JSON.parse(received.text);
  const [record, credential] = [newRecordId(clock.now(), randomBytes(10)), newId("jti")];
  const issuedAt = Math.floor(clock.now() / 1000);
  const expiresAt = issuedAt + ttl;
  const index = broker.log.append(
    alter({
      id: record,
      time: clock.now(),
      type: RecordType.issued,
      outcome: Outcome.ok,
      account: "ab".repeat(32),
      agent: agentId,
      issuer,
      scope: formatScope(parseScope(scope)),
      policy: "cd".repeat(32),
      grant,
      credential,
      validity: [issuedAt, expiresAt],
    }),
  );
  const claims = claim({
    iss: broker.url,
    sub: `agentkeys:agent:${agentId}`,
    aud: scope.resources[0],
    jti: credential,
    iat: issuedAt,
    exp: expiresAt,
    agentkeys: { account: "ab".repeat(32), agent: agentId, grant, record },
  });
  const value = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: "JWT" }).sign(key.privateKey);
  const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000", "");
  return tamper({
    credential: {
      id: credential,
      issuer,
      type: "jwt",
      value,
      issued_at: instant(issuedAt),
      expires_at: instant(expiresAt),
    },
    receipt: JSON.parse(broker.log.receipt(index)),
  });
}
