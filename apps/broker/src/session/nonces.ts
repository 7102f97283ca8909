/** Length of a nonce's window, in milliseconds. */
const windowLength = 120_000;

/** Proofs one window remembers. When it is full, the next window begins: memory stays bounded and nobody is refused. */
const mostInWindow = 100_000;

/** What came of spending a proof. */
export type Spending = "spent" | "stale" | "replayed";

/** The server's nonces for DPoP (RFC 9449 section 8) and the proofs seen under them. */
export interface Nonces {
  /** The newest nonce, for the `DPoP-Nonce` header. */
  current(): string;
  /** True for the newest nonce and the one before it. */
  isLive(nonce: string): boolean;
  /** Remembers that a proof was used. `replayed` when it was used before, `stale` when its nonce is no longer live. */
  spend(nonce: string, proof: string): Spending;
}

/** What nonces are made with. */
export interface NoncesOptions {
  /** Milliseconds of any clock; one that steps back makes a window longer and nothing else. */
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
  /** Proofs a window remembers before the next begins; default 100,000. */
  readonly most?: number;
}

interface Window {
  readonly nonce: string;
  readonly endsAt: number;
  readonly seen: Set<string>;
}

/**
 * Makes the nonces of one process. Each is 128 random bits of this process, so it names the boot and the instance: no other takes
 * it, and the proofs seen under it may live in this process's memory. A nonce lives for its own window of 120 s and the next; the
 * proofs seen are forgotten with their nonce, when none of them could be used again.
 */
export function createNonces({ now, random, most = mostInWindow }: NoncesOptions): Nonces {
  const begin = (time: number): Window => ({
    nonce: Buffer.from(random(16)).toString("base64url"),
    endsAt: time + windowLength,
    seen: new Set(),
  });
  let young = begin(now());
  let old = begin(-Infinity);

  const turn = (): void => {
    const time = now();
    if (time < young.endsAt && young.seen.size < most) return;
    // A window begins where the last one ended, however late that is noticed: else the last one's nonce would live longer than it
    // says. After a quiet time there is no last one.
    const hasLast = time < young.endsAt + windowLength;
    old = hasLast ? young : begin(-Infinity);
    young = begin(hasLast ? Math.min(time, young.endsAt) : time);
  };
  const windowOf = (nonce: string): Window | undefined => {
    turn();
    if (nonce === young.nonce) return young;
    // A window that is over may hold as many again as it did, so that those who still have its nonce are served.
    return nonce === old.nonce && old.seen.size < 2 * most ? old : undefined;
  };

  return {
    current: () => {
      turn();
      return young.nonce;
    },
    isLive: (nonce) => windowOf(nonce) !== undefined,
    spend: (nonce, proof) => {
      const window = windowOf(nonce);
      if (window === undefined) return "stale";
      if (young.seen.has(proof) || old.seen.has(proof)) return "replayed";
      window.seen.add(proof);
      return "spent";
    },
  };
}
