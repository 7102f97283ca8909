import { afterEach, beforeEach } from "vitest";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { makeHome, type MadeHome } from "./made-home.ts";
import { run, type Ended } from "./run-command.ts";

/** Somebody who has signed in, with a broker and a home of their own for each test. */
export interface SignedIn {
  readonly broker: AccountBroker;
  readonly home: MadeHome;
  /** Runs the command in that home. */
  readonly agentkeys: (...args: readonly string[]) => Promise<Ended>;
}

/** Has somebody signed in during each test of the file. */
export function useSignedIn(): SignedIn {
  let broker: AccountBroker;
  let home: MadeHome;
  beforeEach(async () => {
    broker = await startAccountBroker();
    home = await makeHome(broker);
  });
  afterEach(async () => {
    await broker.close();
    await home.folder.remove();
  });
  return {
    get broker() {
      return broker;
    },
    get home() {
      return home;
    },
    agentkeys: async (...args) => run([...args, ...home.options]),
  };
}
