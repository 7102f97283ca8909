import { BoundedMap } from "../session/bounded-map.ts";

/** The bound wallets of accounts, asked for once. */
export interface RememberedWallets {
  /** The address, or undefined where none is bound. Rejects as the look-up does, which is then made again. */
  of(account: string): Promise<string | undefined>;
  /** After a change of what is bound: what was asked before it is remembered no more, also where its answer is still to come. */
  forget(account: string): void;
}

/** Remembers what `lookup` answers for at least the last `most` accounts. */
export function rememberWallets(
  lookup: (account: string) => Promise<string | undefined>,
  most: number,
): RememberedWallets {
  // The question is kept, not the answer: one that comes late is not put where it was forgotten meanwhile.
  const asked = new BoundedMap<string, Promise<string | undefined>>(most);
  return {
    of(account) {
      const known = asked.get(account);
      if (known !== undefined) return known;
      const question = lookup(account);
      asked.set(account, question);
      question.catch(() => {
        if (asked.get(account) === question) asked.delete(account);
      });
      return question;
    },
    forget: (account) => asked.delete(account),
  };
}
