import type { Broker } from "../broker.ts";
import { startLaps } from "../ops/laps.ts";
import { assertAgent, authenticate, type PresentedRequest } from "../steps/authenticate.ts";
import type { CredentialAsk } from "../steps/authorize.ts";
import { issue, type Issued } from "../steps/issue.ts";
import { assertLogTrusted, record } from "../steps/record.ts";
import { alone } from "./alone.ts";
import { storeFailure } from "./failure.ts";
import { takeUse } from "./take-use.ts";
import { giveBack, useOf } from "./use.ts";

/** The main job: one credential for a live agent, recorded before it is released. Read straight down. */
export async function issueCredential(
  broker: Broker,
  running: Set<string>,
  request: PresentedRequest,
  ask: CredentialAsk,
  idempotencyKey: string,
  requestId: string,
): Promise<Issued> {
  const lap = startLaps(broker.metrics.stepSeconds);
  const by = authenticate(broker, request);
  assertAgent(by);
  lap("authenticate");
  const use = useOf(by, idempotencyKey, ask);
  // Before a use is reserved; the record step asks again.
  assertLogTrusted(broker);
  return alone(running, use.key, async () => {
    const { authorized, plan, isRepeated } = await takeUse(broker, by, ask, use, lap);
    const recorded = await record(broker, authorized, plan, isRepeated, requestId).catch((error: unknown) =>
      giveBack(broker, use, authorized, error),
    );
    lap("record");
    const issued = await issue(broker, recorded, requestId).catch((error: unknown) =>
      storeFailure(broker, use.key, error),
    );
    lap("issue");
    return issued;
  });
}
