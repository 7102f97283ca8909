import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newRecordId } from "@agentkeys/core";
import { describe, expect, it } from "vitest";
import { agentId } from "./made-home.ts";
import { serveCredentials } from "./minting.ts";
import { useSignedIn } from "./signed-in.ts";

const resource = "https://api.example.com";
const person = useSignedIn();
const { agentkeys } = person;

describe("audit", () => {
  const issued = async (): Promise<{ record: string; receipt: string }> => {
    await person.home.pair("report");
    serveCredentials(person.broker);
    return JSON.parse((await agentkeys("issue", "--agent", "report", "--resource", resource, "--json")).stdout);
  };

  it("verify says offline what a receipt proves, by the pinned keys or a trust file", async () => {
    const { receipt, record } = await issued();
    const policy = (await agentkeys("audit", "trust")).stdout;
    expect(policy).toBe(`log ${person.broker.log.vkey}\nwitness w1 ${person.broker.log.witnessVkey}\nquorum none\n`);
    const trust = await person.home.folder.write("trust.policy", policy);
    await person.broker.close();
    const ended = await agentkeys("audit", "verify", receipt);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^SIGNED\n/u), stderr: "" });
    expect(ended.stdout).toContain(record);
    const json = JSON.parse((await agentkeys("audit", "verify", receipt, "--trust", trust, "--json")).stdout);
    const facts = { record, agent: agentId, outcome: "ok" };
    expect(json).toMatchObject({ met: true, level: "SIGNED", witnesses: [], facts });
    const [, origin] = /^log ([^+]+)/u.exec(policy) ?? [];
    const epochs = `[[epoch]]\norigin = "${origin}"\nvkeys = ["${person.broker.log.vkey}"]\n`;
    const anchors = await person.home.folder.write("anchors.toml", epochs);
    const none = await person.home.folder.write("none.policy", "quorum none\n");
    expect((await agentkeys("audit", "verify", receipt, "--trust", none)).code).toBe(20);
    expect((await agentkeys("audit", "verify", receipt, "--trust", none, "--anchors", anchors)).code).toBe(0);
  });

  it("verify ends with 10 for a receipt below what is required and with 20 for one that does not hold", async () => {
    const { receipt } = await issued();
    expect((await agentkeys("audit", "verify", receipt, "--require", "witnessed")).code).toBe(10);
    const text = readFileSync(receipt, "utf8");
    const broken = await person.home.folder.write("broken.json", text.replace(/"entry":"(.)/u, '"entry":"z'));
    expect(await agentkeys("audit", "verify", broken)).toMatchObject({
      code: 20,
      stdout: expect.stringMatching(/^INVALID: /u),
    });
    expect((await agentkeys("audit", "verify", join(person.home.path, "none"))).code).toBe(64);
    expect((await agentkeys("audit", "verify", receipt, "--require", "blessed")).code).toBe(64);
  });

  it("show fetches the receipt as it is now, and waits until a trusted witness has cosigned", async () => {
    const { record } = await issued();
    let asked = 0;
    person.broker.routes.set(`GET /v1/audit/receipts/${record}`, () => {
      asked++;
      return { status: 200, body: person.broker.log.receipt(0, { witnessed: asked > 2 }) };
    });
    const out = join(person.home.folder.path, "upgraded.json");
    const ended = await agentkeys("audit", "show", record, "--wait-witnessed", "30s", "--out", out, "--json");
    expect(JSON.parse(ended.stdout)).toMatchObject({
      record,
      log: person.broker.log.origin,
      witnesses: [{ name: "witness.test/w" }],
      receipt: out,
    });
    expect(asked).toBe(3);
    expect((await agentkeys("audit", "verify", out, "--require", "witnessed")).stdout).toMatch(/^WITNESSED\(1\)\n/u);
    asked = 0;
    expect(await agentkeys("audit", "show", record, "--agent", "report")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("witnesses  none trusted here yet"),
    });
  });

  it("show gives up waiting with a code, and does not wait where no witness is trusted", async () => {
    const { record } = await issued();
    const out = join(person.home.folder.path, "upgraded.json");
    const ended = await agentkeys("audit", "show", record, "--wait-witnessed", "1s", "--out", out);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_AUDIT_UNWITNESSED") });
    expect(existsSync(out)).toBe(false);
    const trust = { log: person.broker.log.vkey, witnesses: [] };
    await person.home.pair("trustless", { trust });
    const without = await agentkeys("audit", "show", record, "--agent", "trustless", "--wait-witnessed", "1s");
    expect(without).toMatchObject({ code: 64, stderr: expect.stringContaining("--witness VKEY") });
  });

  it("show rejects the receipt of another record", async () => {
    const { record } = await issued();
    const other = newRecordId(Date.now(), randomBytes(10));
    person.broker.routes.set(
      `GET /v1/audit/receipts/${other}`,
      person.broker.routes.get(`GET /v1/audit/receipts/${record}`)!,
    );
    expect(await agentkeys("audit", "show", other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ERR_AUDIT_RECEIPT"),
    });
  });

  it("show lists the account's records", async () => {
    const record = {
      index: 7,
      id: "0199b6b4-0000-7000-8000-000000000000",
      time: "2026-01-01T00:00:00Z",
      type: "issued",
    };
    const records = [{ ...record, outcome: "ok", agent: agentId }];
    person.broker.routes.set("GET /v1/audit/records", () => ({ status: 200, body: { records } }));
    const { stdout } = await agentkeys("audit", "show", "--limit", "5", "--before", "9");
    expect(stdout.split("\n")[1]).toBe(`7      2026-01-01T00:00:00Z  issued  ok       ${agentId}  -     ${record.id}`);
    expect(person.broker.received.at(-1)!.path).toBe("/v1/audit/records?limit=5&before=9");
  });
});
