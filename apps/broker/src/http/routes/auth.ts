import * as v from "valibot";
import type { Broker } from "../../broker.ts";
import { finishSignIn, pollSignIn } from "../../flows/finish-sign-in.ts";
import { findMethod, startSignIn } from "../../flows/start-sign-in.ts";
import type { BrokerApp } from "../app.ts";
import { readJson } from "../body.ts";
import { malformed, optionalText, readObject } from "../object.ts";
import { countStranger, proofKey, sourceKeyOf, sourceOf } from "../context.ts";

/** What a waiting starter polls with. */
export const pollBody = v.strictObject({ poll_token: v.pipe(v.string(), v.minLength(16), v.maxLength(256)) });

/** Sign-in. Every request of a stranger is counted before a plug-in or a key is asked. */
export function authRoutes(app: BrokerApp, broker: Broker): void {
  app.post("/v1/auth/poll", async (c) => {
    const { poll_token: pollToken } = await readJson(c.req.raw, pollBody);
    const thumbprint = proofKey(broker, c);
    const found = await pollSignIn(broker, { pollToken, thumbprint });
    return "status" in found ? c.json(found, 202) : c.json(found);
  });
  app.post("/v1/auth/:method/start", async (c) => {
    const name = c.req.param("method");
    // A method that is not there shares one count, or each made-up name would have its own.
    const flow = broker.auth.get(name)?.flow;
    countStranger(broker, c, flow === "out_of_band" ? "messages" : "sign_ins", flow === undefined ? "?" : name);
    const method = findMethod(broker, name);
    const thumbprint = method.flow === "out_of_band" ? proofKey(broker, c) : undefined;
    const { claim_code: claimCode, client_name: clientName, ...ask } = await readObject(c.req.raw);
    if (claimCode !== undefined) broker.limits.check("codes", sourceKeyOf(broker, c));
    const start = {
      method: method.name,
      ask,
      claimCode: optionalText("claim_code", claimCode, 64),
      clientName: optionalText("client_name", clientName, 64) ?? "",
      source: sourceOf(broker, c),
      thumbprint,
    };
    return c.json(await startSignIn(broker, start, c.get("requestId")));
  });
  app.post("/v1/auth/:method/finish", async (c) => {
    const name = c.req.param("method");
    countStranger(broker, c, "sign_ins", broker.auth.has(name) ? name : "?");
    const thumbprint = proofKey(broker, c);
    const answer = await readObject(c.req.raw);
    const challengeId = optionalText("challenge_id", answer["challenge_id"], 256);
    if (challengeId === undefined) throw malformed("challenge_id: expected a text");
    return c.json(await finishSignIn(broker, { method: name, challengeId, answer, thumbprint }, c.get("requestId")));
  });
}
