import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Call, CredentialIssuer } from "@agentkeys/core";
import type { FakeHost } from "@agentkeys/testkit";
import { makeOrder, openIssuer } from "./support/open-issuer.ts";
import type { FakeSts } from "./support/fake-sts.ts";

let issuer: CredentialIssuer;
let host: FakeHost;
let sts: FakeSts;
beforeEach(async () => {
  ({ issuer, host, sts } = await openIssuer());
});
afterEach(async () => {
  await issuer.close();
  await sts.close();
});

const call = (milliseconds = 5000): Call => ({
  requestId: "req_1",
  signal: AbortSignal.timeout(milliseconds),
  deadline: host.now() + milliseconds,
});
const issue = async (change = {}, within?: number) => issuer.issue(makeOrder(issuer, host, change), call(within));

describe("a credential", () => {
  it("is of a session named after the record, and ends before the order", async () => {
    const order = makeOrder(issuer, host);
    const { id, type, value, expiresAt } = await issuer.issue(order, call());
    const given = sts.sessions.get(id)!;
    expect(given.name).toBe(order.record);
    expect([type, expiresAt]).toEqual(["aws", given.expiresAt]);
    expect(order.expiresAt - expiresAt).toBe(5);
    expect(value).toEqual({
      access_key_id: id,
      secret_access_key: expect.stringMatching(/^secret/u),
      session_token: expect.stringMatching(/^session/u),
      expiration: new Date(expiresAt * 1000).toISOString().replace(".000", ""),
      region: "eu-central-1",
    });
  });

  it("comes of a token that names the agent as source identity, and account, agent and grant as tags", async () => {
    const order = makeOrder(issuer, host);
    const { id } = await issuer.issue(order, call());
    const { account, agent, grant, record } = order;
    expect(sts.sessions.get(id)!.claims).toMatchObject({
      aud: "sts.amazonaws.com",
      sub: `agentkeys:agent:${agent}`,
      agentkeys: { record },
      "https://aws.amazon.com/source_identity": agent,
      "https://aws.amazon.com/tags": {
        principal_tags: { account: [account], agent: [agent], grant: [grant] },
        transitive_tag_keys: ["account", "agent", "grant"],
      },
    });
  });

  it("has no tags where they are turned off", async () => {
    const other = await openIssuer({ session_tags: false });
    const ask = other.issuer.identityToken(
      other.issuer.parseScope('{"actions":["s3:*"],"resources":["arn:aws:s3:::b/*"]}'),
    );
    expect(ask?.claims).toEqual({ "https://aws.amazon.com/source_identity": "{agent}" });
    await other.issuer.close();
    await other.sts.close();
  });
});

describe("STS", () => {
  it("that is busy three times is asked again", async () => {
    sts.throttled = 3;
    expect((await issue({}, 20_000)).type).toBe("aws");
    expect(sts.asked).toBe(4);
  });

  it("that is busy all the time is told by its own word", async () => {
    sts.throttled = 100;
    await expect(issue({}, 20_000)).rejects.toMatchObject({ code: "ERR_ISSUER_FAILED", message: "STS: Throttling" });
  });

  it.each([
    ["of another account", { arn: "arn:aws:sts::210987654321:assumed-role/agents/x" }, "another role"],
    ["of another role", { arn: "arn:aws:sts::123456789012:assumed-role/admin/x" }, "another role"],
    ["that outlives the order", { later: 6 }, "outlives"],
    ["that is over", { later: -4000 }, "over"],
    ["without a token", { body: noToken() }, "another form"],
    ["that is no XML", { body: "<html" }, "STS: "],
    ["that is nothing", { body: "" }, ""],
  ])("that gives a credential %s is not believed", async (_what, lie, reason) => {
    sts.lie = lie;
    await expect(issue()).rejects.toMatchObject({
      code: "ERR_ISSUER_FAILED",
      message: expect.stringContaining(reason),
    });
  });

  it("whose clock goes before by no more than the margin is believed", async () => {
    sts.lie = { later: 5 };
    expect((await issue()).type).toBe("aws");
  });

  it("is not asked for less than it gives", async () => {
    const now = host.now() / 1000;
    await expect(issue({ expiresAt: now + 904 })).rejects.toMatchObject({ code: "ERR_ISSUER_FAILED" });
    expect(sts.asked).toBe(0);
    await issue({ expiresAt: now + issuer.shortestTtl! });
  });

  it("that refuses the token is told by its word, without the token", async () => {
    const order = makeOrder(issuer, host);
    const [header, payload] = order.identityToken!.split(".");
    const forged = { ...order, identityToken: `${header}.${payload}.AAAA` };
    const [refused] = await Promise.allSettled([issuer.issue(forged, call())]);
    expect(refused).toMatchObject({ reason: { message: "STS: InvalidIdentityTokenException" } });
    expect(inspect(refused, { depth: 9 })).not.toContain(payload);
  });
});

function noToken(): string {
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/agents/x</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><Expiration>2026-01-01T00:30:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}
