import type { Json } from "@agentkeys/core";

const long = "a".repeat(100_000);
const deep = JSON.parse(`${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`) as Json;

/** Values that are no request body of any plug-in: what a parser must refuse without falling over. */
export const hostileBodies: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "null",
  "\u0000",
  "\ud800",
  long,
  [],
  [null],
  [[[[]]]],
  [{}],
  {},
  { "": "" },
  { "\u0000": 1 },
  { [long]: 1 },
  deep,
  JSON.parse('{"__proto__":{"polluted":"yes"}}') as Json,
  JSON.parse('{"constructor":{"prototype":{"polluted":"yes"}}}') as Json,
  JSON.parse('{"toString":"x","valueOf":"x","then":"x","length":1}') as Json,
];

/** Values to stand where a member of another form belongs. */
const hostileMembers: readonly Json[] = [
  null,
  true,
  -1,
  1e308,
  "",
  " ",
  "\u0000",
  "\ud800",
  "../../etc/passwd",
  "__proto__",
  long,
  [],
  ["x"],
  {},
  deep,
  JSON.parse('{"__proto__":{"polluted":"yes"}}') as Json,
];

/** A body made from a good one, and what was done to it. */
export interface SpoiledBody {
  readonly value: Json;
  readonly what: string;
  /** A member was left out: that may be fine. */
  readonly isLacking: boolean;
}

/** Every body that has one member of the good one left out or of another form. Empty for what is no object. */
export function spoilBody(body: Json): readonly SpoiledBody[] {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return [];
  const members = Object.entries(body as Readonly<Record<string, Json>>);
  return members.flatMap(([name]) => {
    const rest = Object.fromEntries(members.filter(([other]) => other !== name));
    const spoiled = hostileMembers.map((value) => ({
      value: { ...rest, [name]: value },
      what: `${name} = ${JSON.stringify(value).slice(0, 40)}`,
      isLacking: false,
    }));
    return [{ value: rest, what: `no ${name}`, isLacking: true }, ...spoiled];
  });
}

/** True once a hostile body has changed what every object inherits. */
export function isPolluted(): boolean {
  return "polluted" in {};
}

/** Every text in a value, at any depth: values, not names. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((member) => textsIn(member));
}
