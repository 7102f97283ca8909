import type { IssuedCredential } from "@agentkeys/client";
import type { Context } from "../context.ts";
import { keepRenewed, type Lasting } from "../loopback/keep-renewed.ts";
import { requestReceipted } from "../receipted-credential.ts";
import { tellFailure } from "../tell-failure.ts";
import type { AgentAsk } from "./agent-ask.ts";

/** A credential that is good, as its user reads it. */
export interface Kept<Value> extends Lasting {
  readonly value: Value;
}

/**
 * What the agent asks for, kept renewed until `ended`; each has a verified receipt in the home folder. Why one did not come is told
 * on stderr. `read` throws for a credential that is of no use here.
 */
export function keepIssued<Value>(
  context: Context,
  { agent, home, ask }: AgentAsk,
  ended: AbortSignal,
  read: (issued: IssuedCredential) => Value,
): () => Promise<Kept<Value>> {
  return keepRenewed({
    async request() {
      const { issued } = await requestReceipted(agent, { ...ask, signal: ended }, (record) => home.receipt(record));
      const { issuedAt, expiresAt } = issued;
      return { issuedAt, expiresAt, value: read(issued) };
    },
    onFailure(error) {
      if (!ended.aborted) tellFailure(context.terminal, error, context.isJson);
    },
  });
}
