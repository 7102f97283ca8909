import { inspect } from "node:util";
import { assert, asyncProperty, jsonValue, string } from "fast-check";
import type { IssueOrder, Scope } from "@agentkeys/core";
import { createCall } from "@agentkeys/testkit";
import { describe, expect, it } from "vitest";
import { makeOrder, openIssuer, refusalOf, scopeText, tokens } from "./support/order.ts";

const audience = "https://api.example.com";

describe("the scope", () => {
  it("is the token for one audience, or for a pattern of them", async () => {
    const { issuer } = await openIssuer();
    for (const text of [audience, "https://*", "api"])
      expect(issuer.parseScope(scopeText(text))).toEqual({ actions: ["token"], resources: [text] });
  });

  it.each([
    ['{"actions":["read"],"resources":["https://api.example.com"]}', 'actions are exactly ["token"]'],
    ['{"actions":["token","write"],"resources":["https://api.example.com"]}', 'actions are exactly ["token"]'],
    ['{"actions":["*"],"resources":["https://api.example.com"]}', 'actions are exactly ["token"]'],
    [scopeText("https://a.example", "https://b.example"), "resources are exactly one audience"],
    [scopeText("two words"), "resources[0] is no audience: it holds white space or an invisible character"],
    ['{"actions":["token"],"resources":["a"],"resources":["b"]}', "the scope text is not canonical"],
    ['{"resources":["a"],"actions":["token"]}', "the scope text is not canonical"],
    ['{"actions":["token"], "resources":["a"]}', "the scope text is not canonical"],
    ["", "the scope is no JSON"],
    ["{", "the scope is no JSON"],
  ])("is not %s", async (text, reason) => {
    const { issuer } = await openIssuer();
    expect(await refusalOf(() => issuer.parseScope(text))).toBe(`ERR_GRANT_SCOPE: ${reason}`);
  });

  it("is refused with ERR_GRANT_SCOPE, whatever the text is", async () => {
    const { issuer } = await openIssuer();
    await assert(
      asyncProperty(string({ unit: "binary" }), jsonValue(), async (text, value) => {
        expect(await refusalOf(() => issuer.parseScope(text))).toMatch(/^ERR_GRANT_SCOPE: /u);
        expect(await refusalOf(() => issuer.parseScope(JSON.stringify(value)))).toMatch(/^ERR_GRANT_SCOPE: /u);
        expect(await refusalOf(() => issuer.identityToken(value as unknown as Scope))).toMatch(/^ERR_GRANT_SCOPE: /u);
      }),
    );
  });
});

describe("the identity token asked for", () => {
  it("is signed with ES256, and with RS256 for the audiences of the list and what its patterns contain", async () => {
    const { issuer } = await openIssuer({ rs256_audiences: ["https://old.example", "https://rs256.example/*"] });
    const algorithmFor = (resource: string) => issuer.identityToken({ actions: ["token"], resources: [resource] });
    const table = {
      "https://old.example": "RS256",
      "https://old.example/": "ES256",
      "https://old.example/x": "ES256",
      "https://rs256.example/x": "RS256",
      "https://rs256.example/x/y": "RS256",
      "https://rs256.example/": "ES256",
      "https://rs256.example": "ES256",
      "https://rs256.example.evil.example/x": "ES256",
      [audience]: "ES256",
    };
    for (const [resource, algorithm] of Object.entries(table))
      expect(algorithmFor(resource)).toEqual({ audience: resource, algorithm });
    expect(issuer.tokenAlgorithms).toEqual(["ES256", "RS256"]);
  });

  it("is never one with RS256 where no audience is listed, so that the host needs no RSA key", async () => {
    const { issuer } = await openIssuer();
    expect(issuer.tokenAlgorithms).toEqual(["ES256"]);
    expect(issuer.identityToken(issuer.parseScope(scopeText(audience)))).toEqual({ audience, algorithm: "ES256" });
  });

  it("is none for a pattern: that can be granted, but nobody is many audiences", async () => {
    const { issuer, host } = await openIssuer({ rs256_audiences: ["https://*"] });
    const scope = issuer.parseScope(scopeText("https://*"));
    const refusal = "ERR_GRANT_SCOPE: a credential is for one audience, not for a pattern";
    expect(await refusalOf(() => issuer.identityToken(scope))).toBe(refusal);
    const order = { ...makeOrder(issuer, host, audience), scope };
    expect(await refusalOf(() => issuer.issue(order, createCall(host)))).toBe(refusal);
  });
});

describe("issuing", () => {
  it("hands out the token of the order, under the id and to the end that were recorded", async () => {
    const { issuer, host } = await openIssuer();
    const order = makeOrder(issuer, host, audience);
    expect(await issuer.issue(order, createCall(host))).toEqual({
      id: order.credentialId,
      type: "jwt",
      value: order.identityToken,
      expiresAt: order.expiresAt,
    });
    expect(inspect([host.store.entries(), host.logs, host.metrics])).toBe("[ [], [], [] ]");
  });

  const others: readonly [string, Partial<IssueOrder>][] = [
    ["jti", { credentialId: "jti_00000000000000000000000000" }],
    ["exp", { expiresAt: 1_767_225_600 + 901 }],
    ["agentkeys.account", { account: "be".repeat(32) }],
    ["agentkeys.agent", { agent: "agt_00000000000000000000000000" }],
    ["agentkeys.grant", { grant: "grn_00000000000000000000000000" }],
    ["agentkeys.record", { record: "019ab697-e800-768b-93c4-6360074e0ce1" }],
    ["aud", { scope: { actions: ["token"], resources: ["https://other.example"] } }],
  ];
  it.each(others)("refuses a token whose %s is another order's", async (name, changes) => {
    const { issuer, host } = await openIssuer();
    const order = { ...makeOrder(issuer, host, audience), ...changes };
    expect(await refusalOf(() => issuer.issue(order, createCall(host)))).toBe(
      `ERR_ISSUER_FAILED: the host's identity token is not the one ordered: its ${name} is not that of the order`,
    );
  });

  it("refuses a token signed with another algorithm than it asked for, and one that is not signed", async () => {
    const { issuer, host } = await openIssuer();
    const order = makeOrder(issuer, host, audience);
    const [, payload = ""] = order.identityToken!.split(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.x`;
    for (const identityToken of [tokens.make({ audience, algorithm: "RS256" }, order), none]) {
      expect(await refusalOf(() => issuer.issue({ ...order, identityToken }, createCall(host)))).toBe(
        "ERR_ISSUER_FAILED: the host's identity token is not the one ordered: its alg is not that of the order",
      );
    }
  });

  it("refuses what is no compact JWT, and does not repeat it", async () => {
    const { issuer, host } = await openIssuer();
    const order = makeOrder(issuer, host, audience);
    const [header, payload, signature] = order.identityToken!.split(".");
    const array = Buffer.from('["a"]').toString("base64url");
    const nothing = Buffer.from("null").toString("base64url");
    const spoilt = [
      "",
      "token",
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature}.${signature}`,
      `${header}.${payload} .${signature}`,
      `${header}.${payload}=.${signature}`,
      ` ${header}.${payload}.${signature}`,
      `${header}.${payload}.${signature}\n`,
      `${header}.${nothing}.${signature}`,
      `x.${payload}.${signature}`,
    ];
    for (const identityToken of spoilt) {
      expect(await refusalOf(() => issuer.issue({ ...order, identityToken }, createCall(host)))).toBe(
        "ERR_ISSUER_FAILED: the host's identity token is not the one ordered: it is no JWT",
      );
    }
    const identityToken = `${header}.${array}.${signature}`;
    expect(await refusalOf(() => issuer.issue({ ...order, identityToken }, createCall(host)))).toMatch(/its aud is/u);
  });

  it("refuses a token for several audiences, also where one is the order's", async () => {
    const { issuer, host } = await openIssuer();
    const order = makeOrder(issuer, host, audience);
    const [header, payload = "", signature] = order.identityToken!.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const several = Buffer.from(JSON.stringify({ ...claims, aud: [audience] })).toString("base64url");
    const identityToken = `${header}.${several}.${signature}`;
    expect(await refusalOf(() => issuer.issue({ ...order, identityToken }, createCall(host)))).toMatch(/its aud is/u);
  });

  it("refuses an order without a token, and one that is over", async () => {
    const { issuer, host } = await openIssuer();
    const order = makeOrder(issuer, host, audience);
    const issue = (one: IssueOrder) => refusalOf(() => issuer.issue(one, createCall(host)));
    expect(await issue({ ...order, identityToken: undefined })).toBe(
      "ERR_ISSUER_FAILED: the host gave no identity token",
    );
    expect(await issue({ ...order, issuedAt: order.expiresAt })).toBe(
      "ERR_ISSUER_FAILED: the credential would be over",
    );
    host.advance(899_999);
    expect(await issue(order)).toBe("no error");
    host.advance(1);
    expect(await issue(order)).toBe("ERR_ISSUER_FAILED: the credential would be over");
  });

  it("is ready, and closes twice", async () => {
    const { issuer, host } = await openIssuer();
    expect(await issuer.ready(createCall(host))).toEqual({ status: "ready" });
    await issuer.close();
    await issuer.close();
  });
});
