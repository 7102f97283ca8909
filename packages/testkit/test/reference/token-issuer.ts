import {
  AgentKeysError,
  definePlugin,
  formatScope,
  isAgentKeysError,
  parseScope,
  type Credential,
  type CredentialIssuer,
  type IssueOrder,
  type PluginHost,
  type Scope,
} from "@agentkeys/core";
import * as v from "valibot";
import type { CredentialContents, IssuerFixture } from "../../src/index.ts";
import { forever, turn, type HasFlaw } from "./schema.ts";

const accepted = '{"actions":["token"],"resources":["https://api.example.com"]}';
const config = v.strictObject({ audience: v.optional(v.string(), "https://own.example") });

/** A toy issuer: the credential is the host's identity token for the one resource of the scope. */
function open(section: { readonly audience: string }, host: PluginHost, has: HasFlaw): CredentialIssuer {
  let latest: IssueOrder | undefined;
  const read = (text: string): Scope => {
    if (has("crashes on what is no scope")) return JSON.parse(text) as Scope;
    const scope = parseScope(toJson(text));
    if (has("asks the host when reading")) host.random(1);
    const isOne = scope.actions.join() === "token" && scope.resources.length === 1;
    const isAudience = /^https:\/\/[a-z.]+$/u.test(scope.resources[0] ?? "");
    if ((!isOne || !isAudience) && !has("takes every scope")) throw refuse("one https audience of the action token");
    return has("reads more than was said") ? { ...scope, actions: ["token", "sign"] } : scope;
  };
  return {
    ownAudiences: has("owns an audience twice") ? [section.audience, section.audience] : [section.audience],
    parseScope: read,
    identityToken(scope) {
      const [audience = ""] = scope.resources;
      if (has("asks for a token of no audience")) return { audience: "", algorithm: "ES256" };
      const asked = has("asks for another audience") ? "https://other.example.com" : audience;
      return { audience: asked, algorithm: "ES256" };
    },
    async issue(order, call) {
      if (has("never ends an aborted call") && call.signal.aborted) await forever();
      latest = order;
      if (has("mixes orders up")) await turn();
      const { identityToken: token, expiresAt, scope } = has("mixes orders up") ? latest : order;
      if (has("logs the credential")) host.log("info", "issued", { token: token ?? "" });
      if (has("keeps the credential")) await host.store.put(order.credentialId, token ?? null);
      if (!has("issues for every order")) check(order, host, read, has("tells the credential") ? token : undefined);
      const value: Credential["value"] = has("answers what JSON has not")
        ? ({ token, at: undefined } as never)
        : { token: token ?? "" };
      const id = has("makes ids of its own")
        ? `jti_${Buffer.from(host.random(16)).toString("hex")}`
        : order.credentialId;
      const end = has("says a later end") ? expiresAt + 1 : expiresAt;
      if (has("issues for an hour, however short the order") && expiresAt - order.issuedAt < 3600)
        return { id, type: "jwt", value, expiresAt: order.issuedAt + 3600 };
      return {
        id,
        type: has("has no type") ? "" : "jwt",
        value: scope.actions.length === 0 ? null : value,
        expiresAt: end,
      };
    },
    ready: async () => ({ status: "ready" }),
    close: async () => undefined,
  };
}

function check(order: IssueOrder, host: PluginHost, read: (text: string) => Scope, told: string | undefined): void {
  read(formatScope(order.scope));
  const isLive = order.expiresAt > order.issuedAt && order.expiresAt * 1000 > host.now();
  if (isLive && order.identityToken !== undefined && told === undefined) return;
  throw new AgentKeysError("ERR_ISSUER_FAILED", told ?? "the order cannot be issued for", { issuer: host.name });
}

function refuse(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("the scope is not JSON");
  }
}

/** The issuer. */
export function makeIssuerFixture(has: HasFlaw = () => false): IssuerFixture {
  return {
    plugin: definePlugin({
      kind: "issuer",
      name: "token",
      apiVersion: 1,
      capabilities: ["local"],
      config,
      create: async (section: { readonly audience: string }, host) => toldBy(open(section, host, has), has),
    }),
    config: {},
    accepts: [accepted, accepted.replace("api", "files")],
    refuses: [
      '{"actions":["token"],"resources":["https://*"]}',
      '{"actions":["token"],"resources":["https://a.example","https://b.example"]}',
    ],
    read: ({ value }) => readToken((value as { token: string }).token),
  };
}

/** With the flaw, what was refused is told with the token. */
function toldBy(issuer: CredentialIssuer, has: HasFlaw): CredentialIssuer {
  if (!has("tells the token")) return issuer;
  const issue: CredentialIssuer["issue"] = async (order, call) =>
    issuer.issue(order, call).catch((error: unknown) => {
      const message = isAgentKeysError(error) ? error.message : "";
      throw new AgentKeysError("ERR_ISSUER_FAILED", `${message}: ${order.identityToken ?? ""}`, { issuer: "token" });
    });
  return { ...issuer, issue };
}

function readToken(token: string): CredentialContents {
  const [, claims = ""] = token.split(".");
  const { aud, jti, exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<string, never>;
  return {
    scope: { actions: ["token"], resources: [aud ?? ""] },
    id: jti ?? "",
    expiresAt: Number(exp),
    secrets: [token],
  };
}
