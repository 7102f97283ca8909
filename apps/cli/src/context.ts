import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { AgentKeysError, isAgentKeysError } from "@agentkeys/core";
import { parseBrokerUrl } from "@agentkeys/client";
import type { Command } from "commander";
import type { HDNodeWallet } from "ethers";
import { readAccount, type AccountFile } from "./account-file.ts";
import { homeAt, type Home } from "./home.ts";
import { readSecretFile } from "./private-file.ts";
import { formatJson, printable } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** The options every command takes. */
export interface GlobalOptions {
  readonly broker?: string;
  readonly home?: string;
  readonly json?: boolean;
  readonly passphraseFile?: string;
}

/** What a command works with. */
export interface Context {
  readonly terminal: Terminal;
  readonly home: Home;
  readonly isJson: boolean;
  /** The broker named on the command line. */
  readonly broker: string | undefined;
  readonly passphraseFile: string | undefined;
  /** Wallets opened by this command, by name, so that one passphrase is asked once. */
  readonly unlocked: Map<string, HDNodeWallet>;
  /** The result: `json` with `--json`, else the lines, without what a terminal would act upon. */
  show(json: object, lines: readonly string[]): void;
}

const defaultBroker = "http://127.0.0.1:8787";

/** The context of a command, from its options and the environment. */
export function contextOf(command: Command, terminal: Terminal): Context {
  const options = command.optsWithGlobals<GlobalOptions>();
  const isJson = options.json === true;
  const environment = process.env["AGENTKEYS_HOME"];
  const folder = options.home ?? (environment === "" ? undefined : environment) ?? join(homedir(), ".agentkeys");
  return {
    terminal,
    home: homeAt(resolve(folder)),
    isJson,
    broker: options.broker === undefined ? undefined : parseBrokerOption(options.broker),
    passphraseFile: options.passphraseFile,
    unlocked: new Map(),
    show(json, lines) {
      if (isJson) terminal.print(formatJson(json));
      else for (const line of lines) terminal.print(printable(line));
    },
  };
}

function parseBrokerOption(text: string): string {
  try {
    return parseBrokerUrl(text);
  } catch (error) {
    throw isAgentKeysError(error, "ERR_REQUEST_MALFORMED") ? new UsageError(`--broker: ${error.message}`) : error;
  }
}

/** The account of this home. Throws ERR_CONFIG_PROFILE where nobody signed in, or where it is of another broker than named. */
export async function requireAccount(context: Context): Promise<AccountFile> {
  const file = await readAccount(context.home.account);
  if (file === undefined) {
    const reason = `nobody has signed in under ${context.home.path}`;
    throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
  }
  assertSameBroker(context, file.broker);
  return file;
}

/** Throws ERR_CONFIG_PROFILE when `--broker` names another broker than the one a file is of. */
export function assertSameBroker({ broker, home }: Context, stored: string): void {
  if (broker === undefined || broker === stored) return;
  const reason = `${home.path} belongs to ${stored}, not to ${broker}: use another --home for another broker`;
  throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
}

/** The broker to meet for the first time. */
export function brokerOf({ broker }: Context): string {
  return broker ?? defaultBroker;
}

/** The wallet's passphrase: from `--passphrase-file`, else asked without echo, twice where it is a new one. */
export async function takePassphrase(context: Context, isNew = false): Promise<string> {
  const { terminal, passphraseFile } = context;
  if (passphraseFile !== undefined) {
    const passphrase = await readSecretFile(passphraseFile);
    if (isNew && passphrase.length < shortestPassphrase) {
      throw new UsageError(`a new passphrase has at least ${shortestPassphrase} characters`);
    }
    return passphrase;
  }
  const otherwise = "give --passphrase-file FILE";
  for (;;) {
    const passphrase = await terminal.askSecret(isNew ? "New passphrase for the wallet:" : "Passphrase:", otherwise);
    if (!isNew) return passphrase;
    if (passphrase.length < shortestPassphrase) {
      terminal.note(`At least ${shortestPassphrase} characters, please.`);
    } else if ((await terminal.askSecret("Once more:", otherwise)) === passphrase) return passphrase;
    else terminal.note("The two differ.");
  }
}

const shortestPassphrase = 8;
