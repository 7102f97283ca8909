import { describeError } from "@agentkeys/core";
import type { Command } from "commander";
import { contextOf } from "../context.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

/** `agentkeys errors decode CODE`: the registry's row of a code. */
export function addErrors(program: Command, terminal: Terminal): void {
  program
    .command("errors")
    .description("explain error codes")
    .command("decode")
    .argument("<code>", "e.g. ERR_GRANT_DENIED")
    .description("say what a code means and what to do next")
    .action((code: string, _options: unknown, command: Command) => {
      const row = describeError(code.toUpperCase());
      if (row === undefined) throw new UsageError(`${code} is no error code of AgentKeys`);
      const { fault, retry, status, meaning, next, oauth } = row;
      const shown = { code: code.toUpperCase(), meaning, next_step: next, fault, retry, status };
      contextOf(command, terminal).show({ ...shown, ...(oauth === undefined ? {} : { oauth }) }, [
        `${shown.code} (HTTP ${status})`,
        `  ${meaning}`,
        `  next:  ${next}`,
        `  who has to act: the ${fault}; try again: ${retry}`,
      ]);
    });
}
