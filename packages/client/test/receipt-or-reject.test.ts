import { formatScope, type AuditEvent } from "@agentkeys/core";
import { Outcome, RecordType } from "@agentkeys/log";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentOptions } from "../src/index.ts";
import { ask, newId, newRecord, resource, startMinting, type Minted, type Minting } from "./minting.ts";
import type { TestBroker } from "./test-broker.ts";
import { createTestLog } from "./test-log.ts";

let minting: Minting;
let broker: TestBroker;
beforeEach(async () => {
  minting = await startMinting();
  ({ broker } = minting);
});
afterEach(async () => broker.close());

/** The token for another audience; who made it signs it too. */
function widened({ value }: Minted["credential"]): string {
  const [header, payload = "", signature] = String(value).split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  const other = { ...claims, aud: "https://b.example.com" };
  return [header, Buffer.from(JSON.stringify(other)).toString("base64url"), signature].join(".");
}

describe("receipt or reject", () => {
  const outcome = async (more?: AgentOptions): Promise<unknown> => {
    const agent = await minting.open(more);
    return agent.requestCredential(ask).catch((error: unknown) => error);
  };
  const rejection = (reason: string) => ({
    code: "ERR_AUDIT_RECEIPT",
    facts: { reason: expect.stringContaining(reason) },
  });

  it("two credentials whose receipts are swapped are both rejected", async () => {
    const held: { minted: Minted; release: (receipt: unknown) => void }[] = [];
    minting.tamper = async (minted) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      held.push({ minted, release: resolve });
      const [first, second] = held;
      if (first !== undefined && second !== undefined) {
        first.release(second.minted.receipt);
        second.release(first.minted.receipt);
      }
      return { ...minted, receipt: await promise };
    };
    const agent = await minting.open();
    const results = await Promise.allSettled([agent.requestCredential(ask), agent.requestCredential(ask)]);
    expect(results.map((result) => result.status === "rejected" && result.reason.code)).toEqual([
      "ERR_AUDIT_RECEIPT",
      "ERR_AUDIT_RECEIPT",
    ]);
  });

  it.each<[string, string, (event: AuditEvent) => AuditEvent]>([
    [
      "of a denial",
      "not of an issued",
      ({ grant: _grant, credential: _credential, validity: _validity, ...event }) => ({
        ...event,
        type: RecordType.denied,
        outcome: Outcome.denied,
        code: "ERR_GRANT_DENIED",
      }),
    ],
    ["of a failed signing", "not of an issued", (event) => ({ ...event, outcome: Outcome.error, parent: event.id })],
    ["of another agent", "not of this agent", (event) => ({ ...event, agent: newId("agt") })],
    ["of another issuer", "of another issuer", (event) => ({ ...event, issuer: "aws" })],
    ["of another credential", "not of this credential", (event) => ({ ...event, credential: newId("jti") })],
    [
      "of a wider scope",
      "not of this scope",
      (event) => ({ ...event, scope: formatScope({ actions: ["token"], resources: [resource, `${resource}/b`] }) }),
    ],
    [
      "of an earlier end",
      "not of this validity",
      ({ validity, ...event }) => ({ ...event, validity: [validity![0], validity![1] - 60] }),
    ],
    [
      "of another start",
      "not of this validity",
      ({ validity, ...event }) => ({ ...event, validity: [validity![0] - 60, validity![1]] }),
    ],
    ["of another record than the token names", "agentkeys.record is not", (event) => ({ ...event, id: newRecord() })],
  ])("a record %s is rejected", async (_, reason, change) => {
    minting.alter = change;
    expect(await outcome()).toMatchObject(rejection(reason));
  });

  it.each<[string, string, (minted: Minted) => unknown]>([
    ["no receipt", "not an object", ({ credential }) => ({ credential })],
    ["null for a receipt", "not an object", (minted) => ({ ...minted, receipt: null })],
    [
      "a receipt with an unknown member",
      "members",
      (minted) => ({ ...minted, receipt: { ...(minted.receipt as object), note: 1 } }),
    ],
    [
      "a receipt without openings",
      "not of this agent",
      (minted) => ({ ...minted, receipt: { ...(minted.receipt as object), openings: [] } }),
    ],
    [
      "another issuer's name",
      "another issuer",
      (minted) => ({ ...minted, credential: { ...minted.credential, issuer: "aws" } }),
    ],
    [
      "text that is no token",
      "no token",
      (minted) => ({ ...minted, credential: { ...minted.credential, value: "secret" } }),
    ],
    [
      "a token for another audience under another type's name",
      "aud is not",
      ({ credential, ...minted }) => ({
        ...minted,
        credential: { ...credential, type: "bearer", value: widened(credential) },
      }),
    ],
    [
      "such a token between blanks",
      "no token",
      ({ credential, ...minted }) => ({
        ...minted,
        credential: { ...credential, type: "bearer", value: ` ${widened(credential)}\n` },
      }),
    ],
    [
      "such a token in an object",
      "no token",
      ({ credential, ...minted }) => ({
        ...minted,
        credential: { ...credential, type: "bearer", value: { headers: [`Bearer ${widened(credential)}`] } },
      }),
    ],
    [
      "a token in an object",
      "no token",
      (minted) => ({ ...minted, credential: { ...minted.credential, value: { token: "a" } } }),
    ],
    [
      "a token with padding",
      "no token",
      (minted) => ({
        ...minted,
        credential: { ...minted.credential, value: `${String(minted.credential["value"])}=` },
      }),
    ],
  ])("an answer with %s is rejected", async (_, reason, change) => {
    minting.tamper = change;
    expect(await outcome()).toMatchObject(rejection(reason));
  });

  it.each<[string, string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ["jti", "jti is not", (claims) => ({ ...claims, jti: newId("jti") })],
    ["exp", "exp is not", (claims) => ({ ...claims, exp: Number(claims["exp"]) + 1 })],
    ["iat", "iat is not", (claims) => ({ ...claims, iat: Number(claims["iat"]) - 1 })],
    ["iss", "iss is not", (claims) => ({ ...claims, iss: "https://keys.example" })],
    ["sub", "sub is not", (claims) => ({ ...claims, sub: `agentkeys:agent:${newId("agt")}` })],
    ["aud", "aud is not", (claims) => ({ ...claims, aud: "https://b.example.com" })],
    ["second audience", "no token", (claims) => ({ ...claims, aud: [claims["aud"], "https://b.example.com"] })],
    [
      "agent claim",
      "agentkeys.agent is not",
      (claims) => ({ ...claims, agentkeys: { ...(claims["agentkeys"] as object), agent: newId("agt") } }),
    ],
    [
      "record claim",
      "agentkeys.record is not",
      (claims) => ({ ...claims, agentkeys: { ...(claims["agentkeys"] as object), record: "x" } }),
    ],
    ["missing claims", "no token", ({ agentkeys: _agentkeys, ...claims }) => claims],
  ])("a token whose %s is not its record's is rejected", async (_, reason, change) => {
    minting.claim = change;
    expect(await outcome()).toMatchObject(rejection(reason));
  });

  it("a token of somebody else is none of the broker's, and passes as what it is called", async () => {
    const value = `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.${Buffer.from('{"iss":"https://b.example"}').toString("base64url")}.AA`;
    minting.tamper = (minted) => ({ ...minted, credential: { ...minted.credential, type: "service_token", value } });
    expect(await outcome()).toMatchObject({ type: "service_token", value });
  });

  it("a token under another grant than the one asked for is rejected", async () => {
    const issued = (await minting.open()).requestCredential({ ...ask, grant: newId("grn") });
    await expect(issued).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
  });

  it("a credential that lives longer than asked is rejected, though its record says so too", async () => {
    const mintLonger = broker.routes.get("POST /v1/credentials")!;
    broker.routes.set("POST /v1/credentials", (received) =>
      mintLonger({ ...received, text: JSON.stringify({ ...ask, ttl: 601 }) }),
    );
    expect(await outcome()).toMatchObject(rejection("longer than asked"));
  });

  it("a receipt of a log that was not pinned is rejected", async () => {
    const impostor = { log: createTestLog().vkey, witnesses: [] };
    const other = { log: createTestLog("other.test/audit/0123abcd/1").vkey, witnesses: [] };
    expect(await outcome({ trust: impostor })).toMatchObject(rejection("not signed by the log"));
    expect(await outcome({ trust: other })).toMatchObject(rejection("of another log"));
  });
});
