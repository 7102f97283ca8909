import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Call, CredentialIssuer } from "@agentkeys/core";
import { createFakeHost, type FakeHost } from "@agentkeys/testkit";
import aws from "../src/index.ts";
import { makeOrder, openIssuer, roleArn } from "./support/open-issuer.ts";
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
    expect(refused).toMatchObject({ reason: { message: expect.stringMatching(/^STS: InvalidIdentityToken: /u) } });
    expect(inspect(refused, { depth: 9 })).not.toContain(payload);
  });
});

describe("an ask that STS refuses", () => {
  it.each([
    ["AccessDenied", /^STS: AccessDenied: .*trust policy/u],
    ["ExpiredTokenException", /^STS: ExpiredToken: .*expired/u],
    ["InvalidIdentityToken", /^STS: InvalidIdentityToken: .*audience/u],
    ["IDPRejectedClaim", /^STS: IDPRejectedClaim: .*claims/u],
    ["MalformedPolicyDocument", /^STS: MalformedPolicyDocument: .*session policy/u],
    ["PackedPolicyTooLarge", /^STS: PackedPolicyTooLarge: .*once packed/u],
    ["RegionDisabledException", /^STS: RegionDisabled: .*region/u],
    ["ValidationError", /^STS: ValidationError: .*as long/u],
    ["SomethingNew", /^STS: SomethingNew$/u],
    ["constructor", /^STS: constructor$/u],
    ["eyJ.not.a.word", /^STS: an answer of status 400 that cannot be read$/u],
  ])("with %s is told why, and is not made again", async (word, message) => {
    sts.lie = { word };
    await expect(issue()).rejects.toMatchObject({
      code: "ERR_ISSUER_FAILED",
      message: expect.stringMatching(message),
    });
    expect(sts.asked).toBe(1);
  });

  it.each([
    ["that it is out of order", { status: 503, body: "<html>down</html>" }],
    ["that it could not fetch the broker's keys", { word: "IDPCommunicationError" }],
  ])("by saying %s is made again", async (_what, lie) => {
    sts.lie = lie;
    const issued = issue({}, 20_000);
    await expect.poll(() => sts.asked).toBe(2);
    sts.lie = {};
    expect((await issued).type).toBe("aws");
  });

  it("for now is not made again once the caller is gone, or the plug-in closed", async () => {
    sts.throttled = 100;
    const gone = new AbortController();
    const one = issuer.issue(makeOrder(issuer, host), { ...call(), signal: gone.signal });
    await expect.poll(() => sts.asked).toBe(1);
    gone.abort();
    await expect(one).rejects.toThrow();
    const other = issue();
    await expect.poll(() => sts.asked).toBe(2);
    await issuer.close();
    await expect(other).rejects.toThrow();
    expect(sts.asked).toBe(2);
  });
});

describe("what came of an ask", () => {
  const unknown = {
    code: "ERR_ISSUER_OUTCOME_UNKNOWN",
    message: expect.stringMatching(/it may have given a session$/u),
  };

  it("is not known where its connection breaks", async () => {
    sts.down();
    await expect(issue()).rejects.toMatchObject(unknown);
  });

  it("is not known where no answer comes in time", async () => {
    sts.hang();
    await expect(issue({}, 300)).rejects.toMatchObject(unknown);
  });

  it("is not known where the answer cannot be read", async () => {
    sts.lie = { body: "<html" };
    await expect(issue()).rejects.toMatchObject(unknown);
  });

  it("is nothing where there was no connection", async () => {
    await sts.close();
    await expect(issue()).rejects.toMatchObject({ code: "ERR_ISSUER_FAILED", message: "STS: no answer" });
    sts = (await openIssuer()).sts;
  });
});

describe("the way to STS", () => {
  it("is the host's alone, with no credentials, whatever the environment says", async () => {
    const set = {
      AWS_ENDPOINT_URL_STS: "http://127.0.0.1:9",
      AWS_ENDPOINT_URL: "http://127.0.0.1:9",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "of-somebody",
      AWS_AUTH_SCHEME_PREFERENCE: "sigv4a",
      AWS_USE_FIPS_ENDPOINT: "true",
      AWS_USE_DUALSTACK_ENDPOINT: "true",
      AWS_DEFAULTS_MODE: "nonsense",
      AWS_RETRY_MODE: "nonsense",
      AWS_MAX_ATTEMPTS: "nonsense",
      AWS_SDK_UA_APP_ID: "somebody",
      AWS_REGION: "us-east-1",
    };
    for (const [name, value] of Object.entries(set)) vi.stubEnv(name, value);
    try {
      expect((await issue()).type).toBe("aws");
      const checked = await aws.config["~standard"].validate({ role_arn: roleArn, region: "eu-central-1" });
      if (checked.issues !== undefined) throw new Error("the section is refused");
      const asking = createFakeHost({ name: "aws", fetch: () => Promise.reject(new Error("no network")) });
      const other = await aws.create(checked.value, asking);
      await expect(other.issue(makeOrder(issuer, host), call())).rejects.toMatchObject({
        message: expect.stringMatching(/^STS: no answer/u),
      });
      await other.close();
      expect(asking.requests.map(({ url }) => url)).toEqual(["https://sts.eu-central-1.amazonaws.com/"]);
      expect(asking.requests[0]?.headers).not.toHaveProperty("authorization");
    } finally {
      vi.unstubAllEnvs();
    }
    expect(host.requests.map(({ url }) => url)).toEqual([`${sts.endpoint}/`]);
    expect(sts.headers).not.toHaveProperty("authorization");
    expect(sts.headers["user-agent"]).toMatch(/ app\/agentkeys$/u);
  });

  it("takes no answer of any size", async () => {
    sts.lie = { body: " ".repeat(1024 * 1024) };
    await expect(issue()).rejects.toMatchObject({ code: "ERR_ISSUER_OUTCOME_UNKNOWN" });
    expect(host.requests.map(({ maxBytes }) => maxBytes)).toEqual([65_536]);
  });
});

it("a refusal is understood as Ceph's STS writes it, too", async () => {
  const body = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message></Message></Error>';
  sts.lie = { status: 403, body };
  await expect(issue()).rejects.toMatchObject({ message: expect.stringMatching(/^STS: AccessDenied: /u) });
});

describe("readiness", () => {
  it.each([
    ["InvalidIdentityToken", "ready"],
    ["AccessDenied", "ready"],
    ["RegionDisabledException", "unready"],
    ["Throttling", "unready"],
  ])("of an STS that says %s is %s", async (word, status) => {
    sts.lie = { word };
    expect(await issuer.ready(call())).toMatchObject({ status });
  });

  it("is not that of a server that is no STS", async () => {
    sts.lie = { status: 404, body: "<html>nothing here</html>" };
    const reason = "STS: an answer of status 404 that cannot be read";
    expect(await issuer.ready(call())).toEqual({ status: "unready", reason });
  });

  it("says what could not be reached", async () => {
    sts.down();
    expect(await issuer.ready(call())).toMatchObject({
      status: "unready",
      reason: expect.stringMatching(/^STS: no answer: .*(socket hang up|ECONNRESET)/u),
    });
  });
});

function noToken(): string {
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/agents/x</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><Expiration>2026-01-01T00:30:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}
