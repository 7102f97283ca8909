import { describeError, isAgentKeysError, isIdentifier } from "@agentkeys/core";
import { problemOf } from "@agentkeys/client";
import { CommanderError } from "commander";
import { NotStarted } from "./run-program.ts";
import { formatJson, printable } from "./table.ts";
import { Interrupted } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** Exit codes, as sysexits.h has them where it has them. */
export const exitCodes = {
  done: 0,
  refused: 1,
  usage: 64,
  unreachable: 69,
  unexpected: 70,
  configuration: 78,
  interrupted: 130,
  /** Who read the result has stopped (as a shell counts SIGPIPE). */
  unread: 141,
} as const;

/** What a failed command says and ends with. */
export interface Failure {
  readonly exitCode: number;
  readonly code?: string;
  readonly message: string;
  readonly nextStep?: string;
  readonly requestId?: string;
  /** Under this id what was asked for waits for the agent's owner. */
  readonly proposal?: string;
}

/** The command has shown its answer, and the answer is a no: it ends with this exit code. */
export class AnsweredNo extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = exitCodes.refused) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A program that was run has ended, and has said itself what there was to say: this is its exit code. */
export class ProgramEnded extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`the command ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

const unreachable = new Set<string>([
  "ERR_REQUEST_UNREACHABLE",
  "ERR_REQUEST_TIMEOUT",
  "ERR_REQUEST_ANSWER",
  "ERR_REQUEST_SHUTTING_DOWN",
]);

/** The failure that an error is. */
export function failureOf(error: unknown): Failure {
  if (isAgentKeysError(error)) {
    const { code, message } = error;
    const { nextStep = describeError(code)?.next, requestId, proposal } = problemOf(error) ?? {};
    const exitCode = code.startsWith("ERR_CONFIG_")
      ? exitCodes.configuration
      : unreachable.has(code)
        ? exitCodes.unreachable
        : exitCodes.refused;
    const facts = "issues" in error.facts ? (error.facts as { issues: readonly string[] }).issues : [];
    const details = facts.filter((issue) => !message.includes(issue)).map((issue) => `\n  ${printable(issue)}`);
    return {
      exitCode,
      code,
      // A broker wrote parts of these: a line end in one would begin a line that looks like ours.
      message: `${printable(message)}${details.join("")}`,
      ...(nextStep === undefined ? {} : { nextStep: printable(nextStep) }),
      ...(requestId === undefined ? {} : { requestId: printable(requestId) }),
      // It becomes part of a command that a person may type.
      ...(proposal !== undefined && isIdentifier("prp", proposal) ? { proposal } : {}),
    };
  }
  if (error instanceof AnsweredNo || error instanceof NotStarted)
    return { exitCode: error.exitCode, message: error.message };
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, message: error.message };
  if (error instanceof CommanderError) return { exitCode: exitCodes.usage, message: error.message };
  if (error instanceof Interrupted) return { exitCode: exitCodes.interrupted, message: "interrupted" };
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: exitCodes.unexpected, message: `unexpected: ${message}` };
}

/** The lines of a failure for a person. */
export function formatFailure(failure: Failure): string {
  const { code, message, nextStep, requestId, proposal } = failure;
  return [
    `agentkeys: ${code === undefined ? "" : `${code}: `}${message}`,
    ...(nextStep === undefined ? [] : [`  next: ${nextStep}`]),
    ...(proposal === undefined ? [] : [`  proposal: the owner types: agentkeys grants accept ${proposal}`]),
    ...(requestId === undefined ? [] : [`  request: ${requestId}`]),
  ].join("\n");
}

/** The failure as one line of JSON, for `--json`. */
export function formatFailureJson(failure: Failure): string {
  const { code, message, nextStep, requestId, proposal } = failure;
  return formatJson({ error: { code, message, next_step: nextStep, request_id: requestId, proposal } });
}
