import { RecordType } from "@agentkeys/log";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, grant, newId, newRecord, startMinting, type Minting } from "./minting.ts";
import { problem, type TestBroker } from "./test-broker.ts";

let minting: Minting;
let broker: TestBroker;
beforeEach(async () => {
  minting = await startMinting();
  ({ broker } = minting);
});
afterEach(async () => broker.close());

describe("a credential", () => {
  it("is handed out with its verified receipt, and the log's key is not asked for again", async () => {
    const issued = await (await minting.open()).requestCredential(ask);
    expect(issued).toMatchObject({ issuer: "oidc", type: "jwt", expiresAt: issued.issuedAt + 600 });
    expect(issued.id).toMatch(/^jti_/u);
    expect(issued.record).toMatch(/^[0-9a-f-]{36}$/u);
    expect(JSON.parse(issued.receipt)).toHaveProperty("tlog_proof");
    expect(broker.count("/.well-known/agentkeys")).toBe(0);
    const body = JSON.parse(broker.received[0]!.text);
    expect(body).toEqual(ask);
  });

  it("is asked for once more under the same Idempotency-Key, with a new proof, when the answer is lost", async () => {
    broker.lose(2);
    const issued = await (await minting.open()).requestCredential({ ...ask, grant });
    const asked = broker.received.filter(({ path }) => path === "/v1/credentials");
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(new Set(asked.map(({ jti }) => jti)).size).toBe(3);
    expect(JSON.parse(asked[0]!.text)).toEqual({ ...ask, grant });
    expect(issued.id).toMatch(/^jti_/u);
  });

  it("is asked for at most five times", async () => {
    broker.lose(99);
    await expect((await minting.open()).requestCredential(ask)).rejects.toMatchObject({
      code: "ERR_REQUEST_UNREACHABLE",
    });
    expect(broker.count("/v1/credentials")).toBe(5);
  });

  it("has another Idempotency-Key each time it is asked for", async () => {
    const agent = await minting.open();
    await agent.requestCredential(ask);
    await agent.requestCredential(ask);
    expect(new Set(broker.received.map(({ headers }) => headers["idempotency-key"])).size).toBe(2);
  });

  it("that is refused is not asked for again", async () => {
    broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_DENIED", { facts: { layer: "rights" } }));
    await expect((await minting.open()).requestCredential(ask)).rejects.toMatchObject({
      code: "ERR_GRANT_DENIED",
      facts: { layer: "rights" },
    });
    expect(broker.count("/v1/credentials")).toBe(1);
  });

  it("of a scope that no broker would take is refused here", async () => {
    const scope = { actions: ["token"], resources: ["https://api.example.com/../x"] };
    await expect((await minting.open()).requestCredential({ ...ask, scope })).rejects.toMatchObject({
      code: "ERR_GRANT_SCOPE",
    });
    expect(broker.received).toHaveLength(0);
  });
});

describe("a receipt fetched again", () => {
  const serve = (text: (index: number) => string): void => {
    const index = broker.log.append({
      id: newRecord(),
      time: 0,
      type: RecordType.boot,
      outcome: 0,
    });
    broker.routes.set("GET /v1/audit/receipts/record", () => ({ status: 200, body: text(index - 1) }));
  };
  const refresh = async (record: string) => {
    const route = broker.routes.get("GET /v1/audit/receipts/record")!;
    broker.routes.set(`GET /v1/audit/receipts/${record}`, route);
    return (await minting.open()).refreshReceipt(record);
  };

  it("shows the cosignatures of the trusted witness under a later head", async () => {
    const issued = await (await minting.open()).requestCredential(ask);
    serve((index) => broker.log.receipt(index, { witnessed: true }));
    const { receipt, verified } = await refresh(issued.record);
    expect(verified.cosignatures).toMatchObject([{ witness: "witness.test/w", timestamp: 1_764_000_000 }]);
    expect(verified.checkpoint.size).toBe(2);
    expect(JSON.parse(receipt).entry).toBe(JSON.parse(issued.receipt).entry);
  });

  it("of another record is rejected", async () => {
    await (await minting.open()).requestCredential(ask);
    serve((index) => broker.log.receipt(index));
    await expect(refresh(newRecord())).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
  });

  it("of another agent is rejected", async () => {
    let other = "";
    minting.alter = (event) => ({ ...event, id: (other = event.id), agent: newId("agt") });
    await expect((await minting.open()).requestCredential(ask)).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
    serve((index) => broker.log.receipt(index));
    await expect(refresh(other)).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
  });

  it("with a false cosignature is rejected", async () => {
    const issued = await (await minting.open()).requestCredential(ask);
    serve((index) => {
      const receipt = JSON.parse(broker.log.receipt(index, { witnessed: true }));
      const lines: string[] = receipt.tlog_proof.split("\n");
      const at = lines.findIndex((line) => line.startsWith("— witness.test/w"));
      // One character well inside the signature.
      lines[at] = lines[at]!.replace(/(.)(?=.{20}$)/u, (one) => (one === "A" ? "B" : "A"));
      return JSON.stringify({ ...receipt, tlog_proof: lines.join("\n") });
    });
    await expect(refresh(issued.record)).rejects.toMatchObject({ code: "ERR_AUDIT_RECEIPT" });
  });
});
