import { formatForkProof } from "../fork-proof.ts";
import type { AnyVerdict } from "../report.ts";
import { writeOnce } from "./files.ts";

/** What a command has found. */
export interface Judged {
  readonly verdict: AnyVerdict;
  /** The requirement is reached. */
  readonly met: boolean;
  readonly json: boolean;
}

/** The exit code of a verdict. */
export function exitCodeOf({ verdict, met }: Judged): number {
  const codes: Partial<Record<string, number>> = { INVALID: 20, FORKED: 21, REWOUND: 22 };
  return codes[verdict.level] ?? (met ? 0 : 10);
}

/** Writes the proof of a fork where there is one, and tells where. What cannot be written is told and changes nothing. */
export function writeProof(verdict: AnyVerdict, path = "fork-proof.json"): void {
  if (verdict.level !== "FORKED" || verdict.proof === undefined) return;
  try {
    writeOnce(path, formatForkProof(verdict.proof));
    process.stderr.write(
      `agentkeys-verify: the proof is in ${path}; anyone can check it: agentkeys-verify diff ${path} --trust POLICY\n`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`agentkeys-verify: the proof could not be written: ${reason}\n`);
  }
}
