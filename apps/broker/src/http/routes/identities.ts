import * as v from "valibot";
import type { Json } from "@agentkeys/core";
import type { Broker } from "../../broker.ts";
import { eraseAccount } from "../../flows/accounts.ts";
import { linkByAnswer, linkByPoll, unlinkIdentity } from "../../flows/link-identity.ts";
import { findMethod, startSignIn } from "../../flows/start-sign-in.ts";
import { instant } from "../../json/instant.ts";
import type { IdentityRow } from "../../store/commands/identities.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { countStranger, freshPerson, sourceOf } from "../context.ts";
import { malformed, optionalText, readObject } from "../object.ts";

/** An identity to unlink. */
export const identityBody = v.strictObject({
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  value: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
});

/** Linking and unlinking of a person's identities, each with a recent sign-in and a proof of its own; and the end of the account. */
export function identityRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/v1/account/identities/:method/start", async (c) => {
    const by = freshPerson(broker, c);
    const method = findMethod(broker, c.req.param("method"));
    countStranger(broker, c, method.flow === "out_of_band" ? "messages" : "sign_ins", method.name);
    const { client_name: clientName, ...ask } = await readObject(c.req.raw);
    const start = {
      method: method.name,
      ask,
      claimCode: undefined,
      clientName: optionalText("client_name", clientName, 64) ?? "",
      source: sourceOf(broker, c),
      thumbprint: by.thumbprint,
      linkSession: by.session,
    };
    return c.json(await startSignIn(broker, start, c.get("requestId")));
  });
  app.post("/v1/account/identities", async (c) => {
    const by = freshPerson(broker, c);
    const answer = await readObject(c.req.raw);
    const { poll_token: pollToken, challenge_id: id } = answer;
    if (typeof pollToken === "string" && Object.keys(answer).length === 1) {
      const found = await linkByPoll(broker, by, pollToken);
      return "status" in found ? c.json(found, 202) : c.json(identityJson(found), 201);
    }
    const challengeId = optionalText("challenge_id", id, 256);
    if (challengeId === undefined) throw malformed("challenge_id or poll_token: expected a text");
    const input: { challengeId: string; answer: Json } = { challengeId, answer };
    return c.json(identityJson(await linkByAnswer(broker, by, input, c.get("requestId"))), 201);
  });
  app.delete("/v1/account/identities", async (c) => {
    const by = freshPerson(broker, c);
    await unlinkIdentity(broker, by, await readJson(c.req.raw, identityBody));
    return c.body(null, 204);
  });
  app.delete("/v1/account", async (c) => {
    await eraseAccount(broker, freshPerson(broker, c).account);
    return c.body(null, 204);
  });
}

/** An identity as an answer shows it. */
export function identityJson(one: IdentityRow): { type: string; value: string; linked_at: string } {
  return { type: one.type, value: one.value, linked_at: instant(one.linkedAt) };
}
