import { hash } from "node:crypto";
import { setInterval as every, setTimeout as later } from "node:timers";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { Worker } from "node:worker_threads";
import {
  AgentKeysError,
  definePlugin,
  newIdentifier,
  type Call,
  type Json,
  type Page,
  type PluginHost,
  type UserAuthMethod,
} from "@agentkeys/core";
import * as v from "valibot";
import type { AuthFixture, AuthPerson, FetchRequest } from "../../src/index.ts";
import { bodyOf, createFarSide } from "./far-side.ts";
import { parse, type HasFlaw } from "./schema.ts";

const seconds = 600;
const most = 5;
const shape = v.strictObject({ office: v.string(), stamp: v.strictObject({ file: v.string() }) });
type Config = v.InferOutput<typeof shape>;
type Pending = { challenge: string; address: string };
interface Letter {
  readonly to: string;
  readonly text: string;
}

const askShape = v.strictObject({ address: v.picklist(["ada's house", "ben's house"]) });
const answerShape = v.strictObject({ token: v.pipe(v.string(), v.maxLength(64)) });
const stamp = "a stamp nobody may copy";
const shared = { isClosed: false };

/** A toy method: who can read the letters sent to an address has that address. */
async function open(section: Config, host: PluginHost, has: HasFlaw): Promise<UserAuthMethod> {
  const { store } = host;
  const kept = new Map<string, Pending>();
  const leftOver = has("leaves a timer") ? every(() => undefined, 1000) : undefined;
  const file = has("leaves a file open") ? openSync(`${host.dataDirectory}/open`, "w") : undefined;
  if (has("leaves a socket open")) createServer().listen(0, "127.0.0.1").unref();
  if (has("leaves a thread running")) new Worker("setInterval(() => undefined, 1000)", { eval: true }).unref();
  if (has("logs its secret")) host.log("info", "opened", { stamp: await host.secret(section.stamp) });
  shared.isClosed = false;
  let isClosed = false;
  const keyOf = (token: string): string => `letter:${hash("sha256", token)}`;
  const post = async (path: string, letter: Json, call: Call): Promise<void> => {
    const signal = has("does not pass the signal") ? new AbortController().signal : call.signal;
    const body = JSON.stringify(letter);
    if (has("lets faults through")) {
      await host.fetch(section.office + path, { method: "POST", body, signal });
      return;
    }
    try {
      await host.fetch(section.office + path, { method: "POST", body, signal });
    } catch (cause) {
      const reason = "the post office does not answer";
      throw new AgentKeysError("ERR_AUTH_UNAVAILABLE", reason, { method: host.name, reason }, { cause });
    }
  };
  const spend = async (address: string): Promise<void> => {
    if (has("sends without limit")) return;
    const whose = has("limits everybody together") ? "all" : address;
    for (let slot = 0; slot < most; slot += 1) if (await store.claim(`sent:${whose}:${slot}`, 1, 3600)) return;
    const retryAfter = has("tells to wait in fractions") ? 0.5 : 3600;
    throw new AgentKeysError("ERR_REQUEST_RATE_LIMITED", "too many letters", { retryAfter });
  };

  const instance: UserAuthMethod = {
    async start(ask, call) {
      const { address } = parse(askShape, ask);
      await spend(address);
      const challenge = newIdentifier("chl", host.random(16));
      const token = Buffer.from(host.random(24)).toString("base64url");
      await store.put(keyOf(token), { challenge, address }, seconds);
      kept.set(token, { challenge, address });
      await post("/letters", { to: address, text: `To sign in, open the letter ${token} now.` }, call);
      return { id: challenge, expiresAt: host.now() + seconds * 1000, public: {} };
    },
    async finish(answer) {
      const { token } = parse(answerShape, answer);
      const pending = (await store.take(keyOf(token))) as Pending | undefined;
      if (pending === undefined)
        throw new AgentKeysError("ERR_AUTH_CHALLENGE", "the letter is unknown, used or expired", {});
      return { challengeId: pending.challenge, identity: { type: "house", value: pending.address }, amr: ["letter"] };
    },
    async page({ method, path, fields }): Promise<Page | undefined> {
      if (path !== "letter") {
        if (has("crashes on an unknown page")) throw new TypeError("no such page");
        return has("answers every path") ? opening : undefined;
      }
      const { token = "" } = fields;
      const key = keyOf(token);
      if (method === "GET") {
        if (has("spends the letter on GET")) await store.take(key);
        if (has("counts visits on GET")) await store.put(`visit:${host.now()}`, 1);
        return has("leads to plain http") ? { kind: "redirect", url: "http://evil.example/" } : opening;
      }
      if (has("confirms another challenge")) return confirm({ challenge: "chl_other", address: "" }, token);
      const look = has("confirms from memory") ? kept.get(token) : undefined;
      const found = has("spends the letter on the confirm page") ? await store.take(key) : await store.get(key);
      const pending = look ?? (found as Pending | undefined);
      if (has("confirms whatever comes")) return confirm(pending ?? { challenge: "", address: "" }, token);
      if (pending === undefined)
        return { kind: "message", outcome: "refused", title: "Not this letter", text: "It is used or too old." };
      const page = confirm(pending, token);
      return has("writes markup") ? { ...page, text: `<b>${page.text}</b>` } : page;
    },
    async notify(identity, notice, call) {
      if (identity.type !== "house" && !has("tells anybody")) {
        const issue = "type: expected house";
        throw new AgentKeysError("ERR_REQUEST_MALFORMED", issue, { issues: [issue] });
      }
      const to = has("tells somebody else") ? "ben's house" : identity.value;
      await post(
        "/letters",
        { to, text: has("tells half") ? notice.subject : `${notice.subject}\n\n${notice.text}` },
        call,
      );
    },
    async ready(call) {
      if (has("is never ready")) return { status: "unready", reason: "never" };
      if (has("says ready unasked")) return { status: "ready" };
      if (has("stops with its neighbour") && shared.isClosed) return { status: "unready", reason: "closed" };
      if (has("throws when not ready")) await post("/ready", {}, call);
      try {
        await post("/ready", {}, call);
        return { status: "ready" };
      } catch (error) {
        const reason = has("tells its secret") ? await host.secret(section.stamp) : (error as Error).message;
        return { status: "unready", reason };
      }
    },
    async close() {
      if (has("cannot be closed twice") && isClosed) throw new Error("closed");
      isClosed = true;
      shared.isClosed = true;
      if (has("uses the store after close")) later(() => void store.get("late"), 10).unref();
      if (leftOver === undefined && file !== undefined && !has("leaves a file open")) closeSync(file);
    },
  };
  if (!has("has no page")) return instance;
  return Object.fromEntries(Object.entries(instance).filter(([name]) => name !== "page")) as unknown as UserAuthMethod;
}

const opening: Page = {
  kind: "form",
  title: "Sign in by letter",
  text: "Go on to see who asked.",
  fields: [{ name: "token", type: "hidden", fragment: "token" }],
  submit: "Go on",
  action: "letter",
};

function confirm({ challenge, address }: Pending, token: string): Page & { readonly kind: "confirm" } {
  const text = `This signs in ${address}.`;
  return { kind: "confirm", title: "Confirm", text, challengeId: challenge, answer: { token } };
}

/** The method with its two people and its post office. */
export function makeLetterFixture(has: HasFlaw = () => false): AuthFixture {
  const letters: Letter[] = [];
  const office = createFarSide((request: FetchRequest) => {
    if (request.url.endsWith("/letters")) letters.push(bodyOf(request) as Letter);
    return { status: 204 };
  });
  const strict = v.strictObject({
    ...shape.entries,
    stamp: has("takes unknown nested keys") ? v.object(shape.entries.stamp.entries) : shape.entries.stamp,
  });
  const config = has("takes unknown keys") ? v.object(shape.entries) : strict;
  const plugin = definePlugin({
    kind: "auth",
    name: has("has a bad name") ? "Letter Auth" : "letter",
    apiVersion: has("speaks another contract") ? 99 : 1,
    capabilities: has("declares nothing") ? [] : ["out_of_band"],
    identityTypes: has("proves no type") ? [] : ["house"],
    config,
    create: async (section: Config, host) => open(section, host, has),
  });
  return {
    plugin: has("is not made by definePlugin") ? { ...plugin } : withSchema(plugin, has),
    config: { office: "http://127.0.0.1:9", stamp: { file: "stamp" } },
    host: { secrets: { stamp }, fetch: (request) => office.fetch(request) },
    farSide: office.faults,
    people: [personAt("ada's house", letters), personAt("ben's house", letters)],
    wrongProofs: () => [{ token: "A".repeat(32) }, { token: "" }],
    browse: (_challenge, answer) => [
      { method: "GET", path: "letter", fields: {} },
      { method: "POST", path: "letter", fields: { token: (answer as { token: string }).token } },
    ],
    inbox: ({ identity }) => letters.filter(({ to }) => to === identity.value).map(({ text }) => text),
  };
}

function withSchema(plugin: AuthFixture["plugin"], has: HasFlaw): AuthFixture["plugin"] {
  if (!has("crashes on what is no table") && !has("takes what is no table")) return plugin;
  const { validate } = plugin.config["~standard"];
  const spoiled = (value: unknown): ReturnType<typeof validate> => {
    const isTable = typeof value === "object" && value !== null && "office" in value;
    if (!isTable && has("crashes on what is no table")) throw new TypeError("cannot read office");
    return isTable ? validate(value) : { value: {} };
  };
  return Object.freeze({ ...plugin, config: { "~standard": { ...plugin.config["~standard"], validate: spoiled } } });
}

function personAt(address: string, letters: readonly Letter[]): AuthPerson {
  const read = new Set<Letter>();
  return {
    ask: { address },
    identity: { type: "house", value: address },
    prove() {
      const letter = letters.findLast(({ to }) => to === address);
      if (letter === undefined || read.has(letter)) return { token: "A".repeat(32) };
      read.add(letter);
      return { token: /letter (\S+) now/u.exec(letter.text)?.[1] ?? "" };
    },
  };
}
