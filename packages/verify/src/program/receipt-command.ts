import { isMet } from "../requirement.ts";
import { invalidVerdict } from "../verdict.ts";
import { verify } from "../verify.ts";
import { decodeUtf8, readBytes, readText } from "./files.ts";
import { parseHolder } from "./holder.ts";
import type { Judged } from "./judged.ts";
import { readOptions } from "./options.ts";

/** `agentkeys-verify RECEIPT`: what a receipt proves, offline. */
export async function judgeReceipt(args: readonly string[]): Promise<Judged> {
  const { words, trust, verifiers, requirement, json, of } = await readOptions(args, ["holder"]);
  const [path, ...more] = words;
  if (path === undefined || more.length > 0) throw new Error("name one receipt");
  const holder = of["holder"] === undefined ? {} : { holder: parseHolder(readText(of["holder"])) };
  const text = decodeUtf8(readBytes(path));
  const verdict =
    text === undefined ? invalidVerdict("it is not UTF-8") : await verify(text, trust, { ...holder, verifiers });
  return { verdict, met: isMet(verdict, requirement), json };
}
