import { isAgentKeysError } from "@agentkeys/core";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseHolder } from "./holder.ts";
import { reportJson, reportText } from "./report.ts";
import { isMet, parseRequirement, type Requirement } from "./requirement.ts";
import { parseTrustPolicy, type TrustPolicy } from "./trust-policy.ts";
import { invalidVerdict } from "./verdict.ts";
import { verify, type VerifyOptions } from "./verify.ts";

const usage = `Usage: agentkeys-verify RECEIPT --trust POLICY [--holder FILE] [--require LEVEL] [--json]

Verifies an AgentKeys audit receipt offline.

  RECEIPT          the receipt's JSON file, or - for standard input
  --trust POLICY   whom to trust: a C2SP tlog-policy file (log, witness, group and quorum lines)
  --holder FILE    what you know of the credential in your hand, as JSON:
                   {"agent": "agt_…", "scope": "…", "credential": "jti_…", "validity": [from or null, to]}
  --require LEVEL  signed (default), witnessed, or witnessed:K for at least K witnesses
  --json           print the verdict as JSON
  --help           print this

Exit code: 0 the requirement is met, 10 valid but below it, 20 invalid, 64 wrong usage.
`;

interface Task {
  /** Undefined when the file is not UTF-8. */
  readonly receipt: string | undefined;
  readonly trust: TrustPolicy;
  readonly options: VerifyOptions;
  readonly requirement: Requirement;
  readonly json: boolean;
}

/** The program: reads its arguments and files, prints the verdict, answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  let task: Task;
  try {
    task = readTask(args);
  } catch (error) {
    process.stderr.write(`agentkeys-verify: ${error instanceof Error ? error.message : String(error)}\n`);
    if (!isAgentKeysError(error)) process.stderr.write("Try agentkeys-verify --help.\n");
    return 64;
  }
  const verdict =
    task.receipt === undefined
      ? invalidVerdict("it is not UTF-8")
      : await verify(task.receipt, task.trust, task.options);
  const met = isMet(verdict, task.requirement);
  process.stdout.write(task.json ? `${JSON.stringify(reportJson(verdict, met), null, 2)}\n` : reportText(verdict));
  if (verdict.level === "INVALID") return 20;
  return met ? 0 : 10;
}

function readTask(args: readonly string[]): Task {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      trust: { type: "string" },
      holder: { type: "string" },
      require: { type: "string", default: "signed" },
      json: { type: "boolean", default: false },
    },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new Error("name one receipt");
  if (values.trust === undefined) throw new Error("say whom to trust with --trust");
  const requirement = parseRequirement(values.require);
  if (requirement === undefined) throw new Error("--require is signed, witnessed or witnessed:K");
  return {
    trust: parseTrustPolicy(readText(values.trust)),
    options: values.holder === undefined ? {} : { holder: parseHolder(readText(values.holder)) },
    requirement,
    json: values.json,
    receipt: decodeUtf8(readFileSync(path === "-" ? 0 : path)),
  };
}

function readText(path: string): string {
  const text = decodeUtf8(readFileSync(path));
  if (text === undefined) throw new Error(`${path} is not UTF-8`);
  return text;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
