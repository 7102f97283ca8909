import { systemClock, type Clock } from "@agentkeys/client";

/** What is known of a credential's life, in Unix seconds. */
export interface Lasting {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Where a credential comes from, and who hears that it did not come. */
export interface RenewalOptions<Credential extends Lasting> {
  /** Asks for a new one. */
  readonly request: () => Promise<Credential>;
  readonly onFailure: (error: unknown) => void;
  readonly clock?: Clock;
}

// An SDK that is refused asks again at once, and each ask may be one use of the grant.
const pauseAfterFailure = 5000;
const lastMinute = 60_000;
const fiveMinutes = 300_000;

/**
 * A function that answers one credential to all, held in memory only. It is requested at the first ask, by however many, and
 * renewed at an ask when less than a third of its life, or less than five minutes, is left. Until its last minute nobody waits for
 * the new one, and while it is good a failure to renew it is told to `onFailure` alone. A failure stands for five seconds.
 */
export function keepRenewed<Credential extends Lasting>(
  options: RenewalOptions<Credential>,
): () => Promise<Credential> {
  const { request, onFailure, clock = systemClock } = options;
  let held: { readonly credential: Credential; readonly renewAt: number; readonly goodUntil: number } | undefined;
  let failure: { readonly error: unknown; readonly until: number } | undefined;
  let renewing: Promise<void> | undefined;

  async function renew(): Promise<void> {
    // Its life is counted from here, so that it does not matter whether this machine's clock is right.
    const askedAt = clock.now();
    try {
      const credential = await request();
      const life = (credential.expiresAt - credential.issuedAt) * 1000;
      held = { credential, renewAt: askedAt + life - leftAtRenewal(life), goodUntil: askedAt + life };
      failure = undefined;
    } catch (error) {
      failure = { error, until: clock.now() + pauseAfterFailure };
      onFailure(error);
    }
  }

  return async () => {
    const now = clock.now();
    const isDue = held === undefined || now >= held.renewAt;
    if (isDue && (failure === undefined || now >= failure.until)) {
      renewing ??= renew().finally(() => {
        renewing = undefined;
      });
    }
    if (held !== undefined && now < held.goodUntil - lastMinute) return held.credential;
    await renewing;
    if (held !== undefined && (failure === undefined || now < held.goodUntil)) return held.credential;
    throw failure?.error;
  };
}

/** The SDKs themselves ask again when five minutes are left. Never over half of a life, or each ask would be a new credential. */
function leftAtRenewal(life: number): number {
  return Math.min(Math.max(life / 3, fiveMinutes), life / 2);
}
