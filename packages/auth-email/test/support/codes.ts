import { isAgentKeysError } from "@agentkeys/core";

/** The code that `work` fails with, or `no error`. */
export async function codeOf(work: Promise<unknown> | undefined): Promise<string> {
  try {
    await work;
    return "no error";
  } catch (error) {
    return isAgentKeysError(error) ? error.code : String(error);
  }
}
