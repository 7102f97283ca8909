import { check } from "./expect.ts";
import { textsIn } from "./hostile-json.ts";

/** Shorter texts stand in other texts by chance. */
const shortest = 8;

/** Fails the case when one of the secrets stands anywhere in what was said; an Error counts with its message, facts and cause. */
export function expectNoSecrets(secrets: readonly string[], said: readonly unknown[], where: string): void {
  const text = said.flatMap((one) => textsIn(toPlain(one))).join("\n");
  for (const secret of secrets.filter(({ length }) => length >= shortest))
    check(!text.includes(secret), `a secret (${secret.slice(0, 4)}…) stands in ${where}`);
}

/** The texts of an answer that its challenge did not already show: what proves. */
export function proofsIn(answer: unknown, shown: readonly unknown[]): readonly string[] {
  const known = textsIn(shown);
  return textsIn(answer).filter((text) => text.length >= shortest && !known.includes(text));
}

function toPlain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return {
    ...Object.fromEntries(Object.entries(value)),
    name: value.name,
    message: value.message,
    cause: toPlain(value.cause),
  };
}
