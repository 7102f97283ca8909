import { auditLog } from "../audit.ts";
import type { AuditVerdict } from "../audit-verdict.ts";
import { verifyHead } from "../head.ts";
import { reasonOf } from "../invalid.ts";
import { isReached } from "../requirement.ts";
import type { TrustPolicy } from "../trust-policy.ts";
import { readText, replaceFile } from "./files.ts";
import { openHttpLog, siblingUrl } from "./http-log.ts";
import { writeProof, type Judged } from "./judged.ts";
import { parseTimeout, readOptions, readToken } from "./options.ts";

/** `agentkeys-verify audit LOG_URL`: reads a whole log and hashes it again. */
export async function judgeLog(args: readonly string[]): Promise<Judged> {
  const own = ["token-file", "since", "keep", "proof", "timeout"];
  const { words, trust, verifiers, requirement, json, of } = await readOptions(args, own);
  const [url, ...more] = words;
  if (url === undefined || more.length > 0) throw new Error("name one log by its URL");
  const timeout = parseTimeout(of["timeout"]);
  const token = of["token-file"] === undefined ? {} : { token: readToken(of["token-file"]) };
  const since = of["since"] === undefined ? {} : { since: await readKept(of["since"], trust) };
  const verdict = await auditLog(openHttpLog(url, { ...token, timeout }), trust, {
    now: Date.now(),
    entries: of["token-file"] !== undefined,
    verifiers,
    ...since,
    epochReader: (origin) => {
      const sibling = siblingUrl(url, origin);
      return sibling === undefined ? undefined : openHttpLog(sibling, { timeout });
    },
    onProgress: showProgress(),
  });
  writeProof(verdict, of["proof"]);
  if (of["keep"] !== undefined && "note" in verdict) replaceFile(of["keep"], verdict.note);
  return { verdict, met: isLogMet(verdict, requirement), json };
}

function isLogMet(verdict: AuditVerdict, requirement: Parameters<typeof isReached>[1]): boolean {
  if (!("anchors" in verdict)) return false;
  const { level, quorumMet, witnesses, anchors } = verdict;
  const finalAnchors = anchors.filter(({ finalSize }) => finalSize > 0).length;
  return isReached({ level, quorumMet, witnesses, finalAnchors }, requirement);
}

/** The note of a head kept from before. A file that is none, or that nobody of the policy signed, is a mistake of who runs this. */
async function readKept(path: string, trust: TrustPolicy): Promise<string> {
  const note = readText(path);
  await verifyHead(note, trust).catch((error: unknown) => {
    const reason = reasonOf(error);
    throw reason === undefined ? error : new Error(`${path}: ${reason}`, { cause: error });
  });
  return note;
}

/** Tells a person who waits how far it is, once a second; nothing where nobody looks. */
function showProgress(): (read: number, size: number) => void {
  let told = Date.now();
  let isTold = false;
  return (read, size) => {
    const now = Date.now();
    const isDue = now - told >= 1000 || (isTold && read === size);
    if (!isDue || !process.stderr.isTTY) return;
    [told, isTold] = [now, true];
    process.stderr.write(`\r${read} of ${size} records${read === size ? "\n" : ""}`);
  };
}
