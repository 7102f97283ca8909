import { createHmac } from "node:crypto";
import {
  AgentKeysError,
  definePlugin,
  newIdentifier,
  type Json,
  type PluginHost,
  type UserAuthMethod,
} from "@agentkeys/core";
import * as v from "valibot";
import type { AuthFixture, AuthPerson } from "../../src/index.ts";
import { forever, parse, turn, type HasFlaw } from "./schema.ts";

const seconds = 600;
const secret = v.strictObject({ file: v.string() });
const config = v.strictObject({ keys: v.strictObject({ ada: secret, ben: secret }) });
type Config = v.InferOutput<typeof config>;
type Pending = { user: "ada" | "ben"; message: string; until: number };

const askShape = v.strictObject({ user: v.picklist(["ada", "ben"]) });
const text = v.pipe(v.string(), v.nonEmpty(), v.maxLength(200));
const answerShape = v.strictObject({
  challenge_id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/u, "expected a challenge id")),
  mac: text,
});

const secrets = { "ada.key": "ada's key, for tests only", "ben.key": "ben's key, for tests only" };

/** A toy method: both sides know a key, and the proof is an HMAC over the challenge's message. */
async function open(section: Config, host: PluginHost, has: HasFlaw): Promise<UserAuthMethod> {
  const keys = { ada: await host.secret(section.keys.ada), ben: await host.secret(section.keys.ben) };
  const own = new Map<string, Json>();
  const store = has("keeps challenges in memory") ? inMemory(own) : host.store;
  let count = 0;
  let last: "ada" | "ben" = "ada";
  const unknown = (message = "the challenge is unknown, used or expired"): AgentKeysError =>
    new AgentKeysError("ERR_AUTH_CHALLENGE", message, {});

  const makeId = (): string => {
    count += 1;
    if (has("counts its challenges")) return `chl_${String(count).padStart(26, "0")}`;
    if (has("draws its own randomness")) return newIdentifier("chl", crypto.getRandomValues(host.random(16)));
    if (has("uses four of sixteen bytes")) return newIdentifier("chl", host.random(16).fill(0, 4));
    return newIdentifier("chl", host.random(16));
  };
  const holds = (mac: string, { user, message }: Pending): boolean => {
    if (has("verifies nothing")) return true;
    if (has("takes any known key") && isMac(keys.ben, message, mac)) return true;
    return isMac(keys[user], message, mac);
  };

  return {
    async start(ask, call) {
      if (has("never ends an aborted call") && call.signal.aborted) await forever();
      const { user } = has("trusts what is asked") ? (ask as { user: "ada" | "ben" }) : parse(askShape, ask);
      last = user.startsWith("ben") ? "ben" : "ada";
      const id = makeId();
      const message = has("signs no id") ? `sign in as ${user}` : `sign in as ${user}: ${id}`;
      const expiresAt = has("counts in seconds") ? host.now() / 1000 + seconds : host.now() + seconds * 1000;
      const pending = { user, message, until: expiresAt };
      const ttl = has("never expires") ? seconds * 100 : has("expires early") ? seconds - 60 : seconds;
      await store.put(id, pending, ttl);
      if (has("shows the proof")) return { id, expiresAt, public: { message, mac: macOf(keys[user], message) } };
      if (has("shows what JSON has not")) return { id, expiresAt, public: { message, at: new Date(0) as never } };
      if (has("shows camelCase")) return { id, expiresAt, public: { message, signWith: "hmac" } };
      return { id, expiresAt, public: { message } };
    },

    async finish(answer, call) {
      if (has("never ends an aborted call") && call.signal.aborted) await forever();
      const { challenge_id: id, mac } = has("trusts what is answered")
        ? (answer as { challenge_id: string; mac: string })
        : parse(answerShape, answer);
      const found = has("burns what it looks at") ? await store.take(id) : await store.get(id);
      if (found === undefined) throw unknown(has("tells used from unknown") && own.has(id) ? "used before" : undefined);
      const pending = found as Pending;
      if (has("logs the proof")) host.log("info", "finish", { mac });
      if (!holds(mac, pending)) {
        const reason = has("tells the proof") ? `the mac ${mac} does not hold` : "the mac does not hold";
        throw new AgentKeysError("ERR_AUTH_PROOF", reason, { reason });
      }
      if (has("peeks, then deletes")) {
        await turn();
        await store.delete(id);
      } else if (!has("takes nothing") && !has("burns what it looks at") && (await store.take(id)) === undefined)
        throw unknown();
      if (has("tells used from unknown")) own.set(id, true);
      const user = has("remembers who came last") ? last : pending.user;
      const type = has("proves another type") ? "password" : "hmac_user";
      const challengeId = has("names another challenge") ? `${id}x` : id;
      return { challengeId, identity: { type, value: user }, amr: has("gives no amr") ? [] : ["mac"] };
    },

    ready: async () => ({ status: "ready" }),
    close: async () => undefined,
  };
}

/** The method with its two people. */
export function makeHmacFixture(has: HasFlaw = () => false): AuthFixture {
  return {
    plugin: definePlugin({
      kind: "auth",
      name: "hmac",
      apiVersion: 1,
      capabilities: [has("is out of band without a page") ? "out_of_band" : "in_band"],
      identityTypes: ["hmac_user"],
      config,
      create: async (section: Config, host) => open(section, host, has),
    }),
    config: { keys: { ada: { file: "ada.key" }, ben: { file: "ben.key" } } },
    host: { secrets },
    people: [personWith("ada"), personWith("ben")],
    wrongProofs: ({ id, public: { message } }) => [
      { challenge_id: id, mac: "0".repeat(64) },
      { challenge_id: id, mac: macOf("a stranger's key", textOf(message)) },
    ],
    withId: (answer, id) => ({ ...(answer as object), challenge_id: id }),
  };
}

function personWith(user: "ada" | "ben"): AuthPerson {
  return {
    ask: { user },
    identity: { type: "hmac_user", value: user },
    prove: ({ id, public: { message } }) => ({
      challenge_id: id,
      mac: macOf(secrets[`${user}.key`], textOf(message)),
    }),
  };
}

function textOf(member: Json | undefined): string {
  return typeof member === "string" ? member : "";
}

function macOf(key: string, message: string): string {
  return createHmac("sha256", key).update(message).digest("hex");
}

function isMac(key: string, message: string, mac: string): boolean {
  return macOf(key, message) === mac;
}

function inMemory(rows: Map<string, Json>): Pick<PluginHost["store"], "get" | "put" | "take" | "delete"> {
  const take = (key: string): Json | undefined => {
    const value = rows.get(key);
    rows.delete(key);
    return value;
  };
  return {
    get: async (key) => rows.get(key),
    put: async (key, value) => void rows.set(key, value),
    take: async (key) => take(key),
    delete: async (key) => void rows.delete(key),
  };
}
