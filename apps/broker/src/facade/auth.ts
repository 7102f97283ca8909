import {
  canonicalIdentity,
  type Challenge,
  type Json,
  type Page,
  type PageRequest,
  type ProvenIdentity,
  type Readiness,
  type UserAuthMethod,
} from "@agentkeys/core";
import type { Guard } from "./guard.ts";

/** One auth method as the flows see it: every call bounded, every answer checked. */
export interface AuthFacade {
  readonly name: string;
  readonly flow: "in_band" | "out_of_band";
  readonly identityTypes: readonly string[];
  start(ask: Json, requestId: string): Promise<Challenge>;
  finish(answer: Json, requestId: string): Promise<ProvenIdentity>;
  page(request: PageRequest, requestId: string): Promise<Page | undefined>;
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
      const proven = await guard.run("finish", requestId, (call) => method.finish(answer, call));
      if (typeof proven?.challengeId !== "string") throw guard.breach("finish gave no challengeId");
      const { type, value } = proven.identity;
      if (!facts.identityTypes.includes(type))
        throw guard.breach(`finish gave an identity of type ${type}, which it does not declare`);
      if (canonicalValue(type, value) !== value)
        throw guard.breach(`finish gave an identity of type ${type} that is not canonical`);
      if (!Array.isArray(proven.amr) || !proven.amr.every((one) => typeof one === "string"))
        throw guard.breach("finish gave no amr");
      return proven;
    },
    async page(request, requestId) {
      const page = await guard.run("page", requestId, async (call) => method.page?.(request, call));
      if (page?.kind === "redirect" && !page.url.startsWith("https://"))
        throw guard.breach("a page redirects to another scheme than https");
      return page;
    },
    ready: (requestId) => guard.run("ready", requestId, (call) => method.ready(call)),
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

/** Checks a challenge of any kind of plug-in. */
export function assertChallenge(challenge: Challenge, guard: Guard): Challenge {
  if (typeof challenge?.id !== "string" || challenge.id.length < 16 || challenge.id.length > 256)
    throw guard.breach("start gave no unguessable challenge id");
  const left = challenge.expiresAt - Date.now();
  if (!(left > 0) || left > longestChallenge + 60_000)
    throw guard.breach("start gave a challenge without a sound expiry");
  if (typeof challenge.public !== "object" || Object.keys(challenge.public).some((key) => reserved.includes(key))) {
    throw guard.breach("start gave a member that is the host's own");
  }
  return challenge;
}
