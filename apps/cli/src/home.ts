import { join } from "node:path";

/** The places under the home folder (`--home`, AGENTKEYS_HOME, else `~/.agentkeys`). Every file in it is private. */
export interface Home {
  readonly path: string;
  /** The person's session. */
  readonly account: string;
  readonly wallets: string;
  wallet(name: string): string;
  agent(name: string): string;
  receipt(record: string): string;
}

/** The places under a folder. */
export function homeAt(path: string): Home {
  return {
    path,
    account: join(path, "account.json"),
    wallets: join(path, "wallets"),
    wallet: (name) => join(path, "wallets", `${name}.json`),
    agent: (name) => join(path, "agents", `${name}.json`),
    receipt: (record) => join(path, "receipts", `${record}.json`),
  };
}
