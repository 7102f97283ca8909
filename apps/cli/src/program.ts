import { Command, Help } from "commander";
import { addAccount, addAccounts, addRights } from "./commands/accounts.ts";
import { addAgents } from "./commands/agents.ts";
import { addAudit } from "./commands/audit.ts";
import { addAwsCredentials } from "./commands/aws-credentials.ts";
import type { BehindDashes } from "./commands/behind-dashes.ts";
import { addCompletion } from "./commands/completion.ts";
import { addErrors } from "./commands/errors.ts";
import { addGrants } from "./commands/grants.ts";
import { addIdentities } from "./commands/identities.ts";
import { addInit } from "./commands/init.ts";
import { addIssue } from "./commands/issue.ts";
import { addLogin } from "./commands/login.ts";
import { addLogout } from "./commands/logout.ts";
import { addRun } from "./commands/run.ts";
import { addSessions } from "./commands/sessions.ts";
import { addTokenFile } from "./commands/token-file.ts";
import { addWallets } from "./commands/wallets.ts";
import { addWhoami } from "./commands/whoami.ts";
import type { Terminal } from "./terminal.ts";

/** The whole command line; `behind` is what stands behind its `--`. Every failure is thrown; commander ends nothing by itself. */
export function buildProgram(terminal: Terminal, version: string, behind: BehindDashes): Command {
  const program = new Command("agentkeys")
    .description("Short-lived, audited credentials for AI agents.")
    .version(version)
    .option("--broker <url>", "the broker; default the one signed in to, else http://127.0.0.1:8787")
    .option("--home <dir>", "where accounts, wallets and agents are kept; default $AGENTKEYS_HOME, else ~/.agentkeys")
    .option("--json", "print results and errors as JSON, a line each")
    .option("--passphrase-file <file>", "the wallet's passphrase, for automation (mode 0600); default: it is asked")
    .addHelpText(
      "after",
      `
Exit codes: 0 done · 1 refused · 64 wrong usage · 69 broker not reached · 70 unexpected · 78 configuration or Node.js ·
130 interrupted; \`audit verify\`: 10 below what is required · 20 invalid.

First steps:
  agentkeys init wallet --claim-code-file .agentkeys/claim-code
  agentkeys agents pair --name report          # in another shell: agentkeys agents approve CODE
  agentkeys grants create --agent report --resource https://api.example.com --max-ttl 10m
  agentkeys issue --agent report --resource https://api.example.com`,
    )
    .configureHelp({
      showGlobalOptions: true,
      optionDescription: (option) => new Help().optionDescription(option).replace(/preset: "(.*)"/u, "alone: $1"),
    })
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const add of [
    addInit,
    addLogin,
    addLogout,
    addWhoami,
    addWallets,
    addSessions,
    addIdentities,
    addAccount,
    addAccounts,
    addRights,
    addAgents,
    addGrants,
    addIssue,
    addRun,
    addAwsCredentials,
    addTokenFile,
    addAudit,
    addErrors,
    addCompletion,
  ]) {
    add(program, terminal, behind);
  }
  return program;
}
