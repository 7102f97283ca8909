import { AgentKeysError, isAgentKeysError, type Page, type PageRequest } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import type { Attempt } from "../store/commands/attempts.ts";
import { hashSecret, normalizeCode } from "./secret.ts";
import { findMethod } from "./start-sign-in.ts";

/** What to show: a page as the plug-in describes it, and for a confirm page who asked. */
export interface ShownPage {
  readonly page: Page;
  readonly asked?: Pick<Attempt, "clientName" | "source" | "startedAt" | "linkSession">;
  /** Set after a wrong user code. */
  readonly wrongCode?: { readonly triesLeft: number };
}

/**
 * One request of a browser to an out-of-band method. Only a POST with the right user code finishes anything, and what it proves
 * goes to the starter's next poll, never to this browser.
 */
export async function showSignInPage(
  broker: Broker,
  methodName: string,
  request: PageRequest,
  requestId: string,
): Promise<ShownPage> {
  const method = findMethod(broker, methodName);
  const { user_code: typed, ...fields } = request.fields;
  const page = await method.page({ ...request, fields }, requestId);
  if (page === undefined) throw new AgentKeysError("ERR_REQUEST_NOT_FOUND", "there is no such page", {});
  if (page.kind !== "confirm") return { page };
  const asked = broker.readings.attempt(page.challengeId);
  if (asked?.method !== method.name || asked.proven !== null) return { page: overPage };
  if (typed === undefined || request.method !== "POST") return { page, asked };
  const userCodeHash = hashSecret(normalizeCode(typed));
  const verdict = await broker.store.write("tryUserCode", {
    challengeId: page.challengeId,
    userCodeHash,
    now: broker.now(),
  });
  if (!verdict.isRight) return verdict.triesLeft > 0 ? { page, asked, wrongCode: verdict } : { page: overPage };
  return { page: await finish(broker, method.name, page.answer, asked, requestId) };
}

async function finish(
  broker: Broker,
  methodName: string,
  answer: Parameters<ReturnType<typeof findMethod>["finish"]>[0],
  { challengeId, linkSession }: Attempt,
  requestId: string,
): Promise<Page> {
  try {
    const proven = await findMethod(broker, methodName).finish(answer, requestId);
    if (proven.challengeId !== challengeId) return overPage;
    const now = broker.now();
    await broker.store.write("proveAttempt", {
      challengeId,
      now,
      proven: { ...proven.identity, amr: proven.amr, provenAt: now },
    });
    return linkSession === null ? signedInPage : provenPage;
  } catch (error) {
    if (isAgentKeysError(error, "ERR_AUTH_CHALLENGE")) return overPage;
    throw error;
  }
}

const signedInPage: Page = {
  kind: "message",
  outcome: "ok",
  title: "You are signed in",
  text: "The program that asked now has its session. You can close this page.",
};

const provenPage: Page = {
  kind: "message",
  outcome: "ok",
  title: "It is proven to be yours",
  text: "The program that asked can link it to its account now. You can close this page.",
};

const overPage: Page = {
  kind: "message",
  outcome: "refused",
  title: "This link is no longer of use",
  text: "It was used, has expired, or too many wrong codes were typed. Start the sign-in again.",
};
