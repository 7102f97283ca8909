import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { makeFolder, type Folder } from "./run-command.ts";

/** Somebody who has nothing yet, with a broker and a folder of their own for each test. */
export interface NewHome {
  readonly broker: AccountBroker;
  readonly folder: Folder;
  /** Where the home will be, in the folder. */
  readonly path: string;
  /** `--home`, `--broker` and `--passphrase-file`. */
  readonly options: readonly string[];
}

/** The passphrase in the file that the options name. */
export const passphrase = "correct horse battery";

/** Has somebody begin anew in each test of the file. */
export function useNewHome(): NewHome {
  let broker: AccountBroker;
  let folder: Folder;
  let options: readonly string[];
  const pathIn = (one: Folder): string => join(one.path, "home");
  beforeEach(async () => {
    broker = await startAccountBroker();
    folder = await makeFolder();
    const file = await folder.write("passphrase", `${passphrase}\n`);
    options = ["--home", pathIn(folder), "--broker", broker.url, "--passphrase-file", file];
  });
  afterEach(async () => {
    await broker.close();
    await folder.remove();
  });
  return {
    get broker() {
      return broker;
    },
    get folder() {
      return folder;
    },
    get path() {
      return pathIn(folder);
    },
    get options() {
      return options;
    },
  };
}
