import * as fc from "fast-check";
import { RecordType, type AuditRecord } from "../src/index.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const text = fc
  .string({ unit: "grapheme", maxLength: 20 })
  .map((value) => value.normalize("NFC"))
  .filter((value) => value.normalize("NFC") === value);
const name = text.filter((value) => value !== "");
const recordId = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 })).map(([random]) => {
  const digits = Buffer.from(random).toString("hex");
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})/u, "$1-$2-7$3-8$4-");
});

const { value: bodyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    fc.maxSafeNat(),
    text,
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
}));
const body = fc.dictionary(fc.oneof(text, fc.constant("__proto__")), bodyValue, { maxKeys: 3 });

/** Any record that the format allows (nearly always below its size limit). */
export const anyRecord: fc.Arbitrary<AuditRecord> = fc
  .record(
    {
      id: recordId,
      time: fc.maxSafeNat(),
      type: fc.oneof(fc.constantFrom(...Object.values(RecordType)), fc.integer({ min: 1000 })),
      outcome: fc.integer({ min: 0, max: 4 }),
      account: hash,
      agent: hash,
      wallet: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      issuer: name,
      scope: hash,
      policy: hash,
      grant: hash,
      credential: hash,
      validity: fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a])),
      parent: recordId,
      code: name,
      body,
    },
    { requiredKeys: ["id", "time", "type", "outcome"] },
  )
  .filter((record) => {
    const { type, outcome, account, agent, issuer, scope, grant, credential, validity, code } = record;
    const full = [account, agent, issuer, scope, grant, credential, validity].every((field) => field !== undefined);
    return (type !== 2 || outcome !== 1 || full) && (type !== 3 || code !== undefined);
  }) as fc.Arbitrary<AuditRecord>;
