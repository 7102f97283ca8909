import { diffHeads, judgeForkProof, type DiffVerdict } from "../diff.ts";
import { invalidLog } from "../audit-verdict.ts";
import { parseForkProof, type ForkProof } from "../fork-proof.ts";
import { reasonOf } from "../invalid.ts";
import type { TrustPolicy } from "../trust-policy.ts";
import { readText } from "./files.ts";
import { openHttpLog } from "./http-log.ts";
import { writeProof, type Judged } from "./judged.ts";
import { parseTimeout, readOptions } from "./options.ts";

/** `agentkeys-verify diff`: two signed heads of one log, or a proof that two of them fork. */
export async function judgeHeads(args: readonly string[]): Promise<Judged> {
  const { words, trust, json, of } = await readOptions(args, ["log", "proof", "timeout"]);
  const [one, other, ...more] = words;
  if (one === undefined || more.length > 0) throw new Error("name two signed heads, or one fork proof");
  const timeout = parseTimeout(of["timeout"]);
  const log = of["log"] === undefined ? undefined : openHttpLog(of["log"], { timeout });
  if (other === undefined) {
    const verdict = await judgeProofText(readText(one), trust);
    return { verdict, met: false, json };
  }
  const verdict = await diffHeads(readText(one), readText(other), trust, log);
  writeProof(verdict, of["proof"]);
  return { verdict, met: verdict.level === "CONSISTENT", json };
}

async function judgeProofText(text: string, trust: TrustPolicy): Promise<DiffVerdict> {
  let proof: ForkProof;
  try {
    proof = parseForkProof(text);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return invalidLog(reason);
  }
  return judgeForkProof(proof, trust);
}
