import {
  canonicalIdentity,
  type Challenge,
  type Identity,
  type Json,
  type Notice,
  type Page,
  type PageRequest,
  type ProvenIdentity,
  type Readiness,
  type UserAuthMethod,
} from "@agentkeys/core";
import * as v from "valibot";
import { json, readiness, type Guard } from "./guard.ts";

/** One auth method as the flows see it: every call bounded, every answer checked. */
export interface AuthFacade {
  readonly name: string;
  readonly flow: "in_band" | "out_of_band";
  readonly identityTypes: readonly string[];
  start(ask: Json, requestId: string): Promise<Challenge>;
  finish(answer: Json, requestId: string): Promise<ProvenIdentity>;
  page(request: PageRequest, requestId: string): Promise<Page | undefined>;
  /** True for a method that can reach the owner of an identity. */
  readonly canNotify: boolean;
  /** Tells the owner of an identity, where the method can. */
  notify(identity: Identity, notice: Notice, requestId: string): Promise<void>;
  ready(requestId: string): Promise<Readiness>;
  close(): Promise<void>;
}

/** Longest life of a challenge, in milliseconds. */
const longestChallenge = 45 * 60_000;

/** Puts the facade before an auth method. */
export function createAuthFacade(
  name: string,
  facts: { readonly identityTypes: readonly string[]; readonly flow: "in_band" | "out_of_band" },
  method: UserAuthMethod,
  guard: Guard,
): AuthFacade {
  return {
    name,
    ...facts,
    start: async (ask, requestId) =>
      assertChallenge(await guard.run("start", requestId, (call) => method.start(ask, call)), guard),
    async finish(answer, requestId) {
      const given = await guard.run("finish", requestId, (call) => method.finish(answer, call));
      const proven = guard.read("finish", provenIdentity, given);
      const { type, value } = proven.identity;
      if (!facts.identityTypes.includes(type))
        throw guard.breach(`finish gave an identity of type ${type}, which it does not declare`);
      if (canonicalValue(type, value) !== value)
        throw guard.breach(`finish gave an identity of type ${type} that is not canonical`);
      return proven;
    },
    async page(request, requestId) {
      const given = await guard.run("page", requestId, async (call) => method.page?.(request, call));
      return given === undefined ? undefined : guard.read("page", pageDescription, given);
    },
    canNotify: typeof method.notify === "function",
    notify: async (identity, notice, requestId) =>
      guard.run("notify", requestId, async (call) => method.notify?.(identity, notice, call)),
    ready: async (requestId) =>
      guard.read("ready", readiness, await guard.run("ready", requestId, (call) => method.ready(call))),
    close: () => method.close(),
  };
}

function canonicalValue(type: string, value: string): string | undefined {
  try {
    return canonicalIdentity(type, value).value;
  } catch {
    return undefined;
  }
}

/** Members of `start`'s answer that are the host's own. */
const reserved = ["challenge_id", "expires_at", "poll_token", "user_code", "interval"];

const text = v.pipe(v.string(), v.maxLength(4096));

const challengeForm = v.object({
  id: v.pipe(v.string(), v.minLength(16), v.maxLength(256)),
  expiresAt: v.pipe(v.number(), v.safeInteger()),
  public: v.record(v.string(), json),
});

const provenIdentity = v.object({
  challengeId: v.string(),
  identity: v.object({ type: v.string(), value: text }),
  amr: v.pipe(v.array(v.string()), v.maxLength(16)),
});

const pageField = v.object({
  name: text,
  label: v.exactOptional(text),
  type: v.picklist(["hidden", "text"]),
  value: v.exactOptional(text),
  fragment: v.exactOptional(text),
});

/** Texts only: the renderer escapes a text, and takes anything else for markup. */
const pageDescription: v.GenericSchema<unknown, Page> = v.variant("kind", [
  v.object({
    kind: v.literal("form"),
    title: text,
    text,
    fields: v.array(pageField),
    submit: text,
    action: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/u)),
  }),
  v.object({ kind: v.literal("confirm"), title: text, text, challengeId: v.string(), answer: json }),
  v.object({
    kind: v.literal("redirect"),
    url: v.pipe(v.string(), v.regex(/^https:\/\/[\x21-\x7e]{1,4096}$/u), v.url()),
  }),
  v.object({ kind: v.literal("message"), outcome: v.picklist(["ok", "refused"]), title: text, text }),
]);

/** Checks a challenge of any kind of plug-in. */
export function assertChallenge(given: Challenge, guard: Guard): Challenge {
  const challenge = guard.read("start", challengeForm, given);
  const left = challenge.expiresAt - Date.now();
  if (!(left > 0) || left > longestChallenge + 60_000)
    throw guard.breach("start gave a challenge without a sound expiry");
  if (Object.keys(challenge.public).some((key) => reserved.includes(key)))
    throw guard.breach("start gave a member that is the host's own");
  return challenge;
}
