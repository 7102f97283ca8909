import {
  AgentKeysError,
  definePlugin,
  parseScope,
  type CredentialIssuer,
  type PluginHost,
  type Scope,
} from "@agentkeys/core";
import * as v from "valibot";
import type { CredentialContents, FetchRequest, IssuerFixture } from "../../src/index.ts";
import { answerOf, bodyOf, createFarSide } from "./far-side.ts";
import type { HasFlaw } from "./schema.ts";

const accepted = '{"actions":["read"],"resources":["reports/*"]}';
const config = v.strictObject({ url: v.string() });

interface Held extends CredentialContents {
  readonly key: string;
}

/** A toy issuer that calls out: the far side makes the key, and stops honouring it when told. */
function open(url: string, host: PluginHost, has: HasFlaw): CredentialIssuer {
  const read = (text: string): Scope => {
    let parsed: unknown = text;
    try {
      parsed = JSON.parse(text);
    } catch {
      // Core refuses the text that it stays.
    }
    const scope = parseScope(parsed);
    const inner = scope.resources.find((item) => /[*?]./u.test(item));
    if (inner === undefined) return scope;
    const reason = `${inner.slice(0, 50)}: an inner star or a question mark means something else here`;
    throw new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
  };
  const ask = async (path: string, body: unknown, signal: AbortSignal): Promise<unknown> => {
    const used = has("does not pass the signal") ? new AbortController().signal : signal;
    const answer = await host.fetch(url + path, { method: "POST", body: JSON.stringify(body), signal: used });
    return answerOf(answer);
  };
  return {
    parseScope: read,
    identityToken: () => undefined,
    async issue({ scope, expiresAt, issuedAt }, { signal }) {
      const fail = (cause?: unknown): AgentKeysError =>
        new AgentKeysError("ERR_ISSUER_FAILED", "no key was made", { issuer: host.name }, { cause });
      if (scope.actions.length === 0 || expiresAt <= issuedAt || expiresAt * 1000 <= host.now()) throw fail();
      read(JSON.stringify(scope));
      const wider = has("asks for more than was said") ? { ...scope, resources: ["*"] } : scope;
      try {
        const { id, key } = (await ask("/issue", { scope: wider, expiresAt }, signal)) as Held;
        return { id, type: "key", value: { key }, expiresAt };
      } catch (error) {
        if (has("lets faults through")) throw new TypeError("no key", { cause: error });
        if (has("issues without the far side")) return { id: "none", type: "key", value: {}, expiresAt };
        throw fail(error);
      }
    },
    async revoke(id, { signal }) {
      if (has("revokes nothing")) return;
      const { found } = (await ask("/revoke", { id }, signal)) as { readonly found: boolean };
      if (has("fails to revoke what it does not know") && !found) throw new Error("unknown");
    },
    ready: async ({ signal }) => {
      try {
        await ask("/ready", {}, signal);
        return { status: "ready" };
      } catch {
        return { status: "unready", reason: "no answer" };
      }
    },
    close: async () => undefined,
  };
}

/** The issuer with its far side. */
export function makeRemoteIssuerFixture(has: HasFlaw = () => false): IssuerFixture {
  const keys = new Map<string, Held>();
  const { fetch, faults } = createFarSide((request: FetchRequest) => {
    const ask = bodyOf(request) as { readonly scope: Scope; readonly expiresAt: number; readonly id: string };
    if (request.url.endsWith("/revoke")) return { status: 200, body: { found: keys.delete(ask.id) } };
    if (request.url.endsWith("/ready")) return { status: 200, body: {} };
    const id = `key-${keys.size}-${String(ask.expiresAt)}`;
    const key = `secret-of-${id}`;
    keys.set(id, { id, key, scope: ask.scope, expiresAt: ask.expiresAt, secrets: [key] });
    return { status: 200, body: keys.get(id) };
  });
  const find = (key: string): Held | undefined => [...keys.values()].find((held) => held.key === key);
  return {
    plugin: definePlugin({
      kind: "issuer",
      name: "remote",
      apiVersion: 1,
      capabilities: [],
      config,
      create: async (section: { readonly url: string }, host) => open(section.url, host, has),
    }),
    config: { url: "http://127.0.0.1:9" },
    host: { fetch },
    farSide: faults,
    accepts: [accepted],
    refuses: ['{"actions":["read"],"resources":["reports/*/may"]}', '{"actions":["read"],"resources":["reports/?x"]}'],
    read: ({ value }) =>
      find((value as { key: string }).key) ?? {
        scope: { actions: [], resources: [] },
        id: "",
        expiresAt: 0,
        secrets: [],
      },
    isHonoured: async ({ value }) => find((value as { key: string }).key) !== undefined,
  };
}
