import type { Identity, Notice } from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { instant } from "../json/instant.ts";

const happenings = {
  linked: "A new identity was linked to your account. Whoever holds it can sign in.",
  unlinked: "An identity was removed from your account. It opens nothing any more.",
  recovery_code:
    "The operator made a recovery code for your account. Whoever has it can link a new identity for 24 hours.",
  recovered: "Your account was recovered with a new identity. Every session and agent it had was ended.",
  erased: "Your account was erased, with its agents, grants and identities.",
} as const;

/**
 * Tells every identity of the account but one, by the methods that can reach it. It goes on behind the answer: neither a mail server that
 * hangs nor one that fails holds anything up, and each failure is logged.
 */
export function notifyOthers(
  broker: Broker,
  account: string,
  except: Identity | undefined,
  what: keyof typeof happenings,
): void {
  const others = broker.readings
    .identitiesOf(account)
    .filter((one) => one.type !== except?.type || one.value !== except.value);
  notify(broker, others, what);
}

/** The same for identities that are known already. */
export function notify(broker: Broker, identities: readonly Identity[], what: keyof typeof happenings): void {
  const text = `${happenings[what]}\n\nBroker: ${broker.publicUrl}\nTime: ${instant(broker.now())}\n\nIf this was not you or your operator, tell the operator at once.`;
  const notice: Notice = { subject: "Your AgentKeys account was changed", text };
  for (const { type, value } of identities)
    for (const method of broker.auth.values()) {
      if (!method.canNotify || !method.identityTypes.includes(type)) continue;
      void method
        .notify({ type, value }, notice, "notify")
        .catch((error: unknown) =>
          broker.logger.warn("account.not_notified", { method: method.name, what, reason: String(error) }),
        );
    }
}
