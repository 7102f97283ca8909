import {
  isMet,
  joinEpochs,
  parseRequirement,
  parseTrustEpochs,
  parseTrustPolicy,
  reportJson,
  reportText,
  verify,
  type Requirement,
} from "@agentkeys/verify";
import { InvalidArgumentError, Option, type Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import type { Terminal } from "../terminal.ts";
import { addTrustOptions, formatPolicy, pinnedTrust, readNamedFile, type TrustOptions } from "./pinned-trust.ts";
import { AnsweredNo } from "../exit-code.ts";

interface VerifyOptions extends TrustOptions {
  readonly trust?: string;
  readonly anchors?: string;
  readonly require: Requirement;
}

/** `agentkeys audit verify FILE`: what a receipt proves, offline. */
export function addVerify(audit: Command, terminal: Terminal): void {
  addTrustOptions(
    audit.command("verify").argument("<file>", "a receipt").description("say what a receipt proves, offline"),
  )
    .option("--trust <file>", "a C2SP trust policy; default the pinned keys")
    .option(
      "--anchors <file>",
      "keys by epoch, an anchors.toml; evidence of anchors is checked by agentkeys-verify alone",
    )
    .addOption(
      new Option("--require <level>", "signed, witnessed[:K] or anchored[:K]")
        .argParser(parseLevel)
        .default({ level: "signed" } satisfies Requirement, "signed"),
    )
    .addHelpText(
      "after",
      `
Exit codes: 0 what is required is met · 10 valid but below it · 20 invalid.

Example:
  agentkeys audit verify receipt.json --require witnessed`,
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      await verifyFile(contextOf(command, terminal), file, command.opts<VerifyOptions>());
    });
}

async function verifyFile(context: Context, file: string, options: VerifyOptions): Promise<void> {
  const text = await readNamedFile(file);
  const policy =
    options.trust === undefined
      ? formatPolicy(await pinnedTrust(context, options))
      : await readNamedFile(options.trust);
  const trust = parseTrustPolicy(policy);
  const epochs = options.anchors === undefined ? [] : parseTrustEpochs(await readNamedFile(options.anchors));
  const verdict = await verify(text, joinEpochs(trust, epochs));
  const met = isMet(verdict, options.require);
  context.show(reportJson(verdict, met), reportText(verdict).trimEnd().split("\n"));
  // The codes of agentkeys-verify.
  if (!met) throw new AnsweredNo("the receipt is below what is required", verdict.level === "INVALID" ? 20 : 10);
}

function parseLevel(text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement === undefined) throw new InvalidArgumentError("it is signed, witnessed[:K] or anchored[:K].");
  return requirement;
}
