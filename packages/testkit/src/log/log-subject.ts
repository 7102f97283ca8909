import { newRecordId, type AuditEvent, type AuditLog, type AuditPosition, type TreeHead } from "@agentkeys/core";
import {
  FieldKey,
  fromBase64,
  isConsistency,
  parseReceipt,
  parseVkey,
  verifyReceipt,
  type Holder,
  type Receipt,
  type VerifiedReceipt,
} from "@agentkeys/log";
import { check } from "../expect.ts";
import { defineCase, type Subject } from "../subject.ts";
import type { LogFixture } from "./log-fixture.ts";

/** A log opened for one case. */
export type LogSubject = Subject<LogFixture, AuditLog>;

/** A signed head with the log's key. */
export type Head = TreeHead & { readonly vkey: string };

/** Defines a case of the log contract. */
export const defineLogCase: typeof defineCase<LogFixture, AuditLog> = defineCase<LogFixture, AuditLog>;

/** Two accounts, as OmniAccounts. */
export const ada: string = "ad".repeat(32);
/** See {@link ada}. */
export const ben: string = "be".repeat(32);

/** The event of an issued credential, number `at`: every committed field, all distinct from those of other numbers. */
export function makeEvent(at: number, changes: Partial<AuditEvent> = {}): AuditEvent {
  const seconds = 1_767_225_600 + at;
  return {
    id: newRecordId(seconds * 1000, Uint8Array.of(at >> 8, at, 1, 2, 3, 4, 5, 6, at >> 8, at)),
    time: seconds * 1000,
    type: 2,
    outcome: 1,
    account: ada,
    agent: `agt_${String(at).padStart(26, "0")}`,
    issuer: "oidc",
    scope: `{"actions":["token"],"resources":["https://api-${at}.example.com"]}`,
    policy: "cc".repeat(32),
    grant: `grn_${String(at).padStart(26, "0")}`,
    credential: `jti_${String(at).padStart(26, "0")}`,
    validity: [seconds, seconds + 600],
    ...changes,
  };
}

/** Events number `from` to `to`, `to` not among them. */
export function makeEvents(from: number, to: number, changes: Partial<AuditEvent> = {}): readonly AuditEvent[] {
  return Array.from({ length: to - from }, (_, at) => makeEvent(from + at, changes));
}

/** The event without some of its members. */
export function without(event: AuditEvent, ...names: readonly (keyof AuditEvent)[]): AuditEvent {
  const left = Object.entries(event).filter(([name]) => !(names as readonly string[]).includes(name));
  return Object.fromEntries(left) as unknown as AuditEvent;
}

/** Appends one event. */
export async function appendOne({ instance, call }: LogSubject, event: AuditEvent): Promise<AuditPosition> {
  const [position] = await instance.append([event], call());
  check(position !== undefined, "an appended event has no position");
  return position;
}

/** Fails the case unless the text is a receipt of this very event under the log's key; answers what it proves. */
export async function expectReceipt(
  text: string,
  event: AuditEvent,
  vkey: string,
  witnesses: readonly string[] = [],
): Promise<{ readonly receipt: Receipt; readonly verified: VerifiedReceipt }> {
  const receipt = parseReceipt(text);
  const trust = { log: parseVkey(vkey), witnesses: witnesses.map((witness) => parseVkey(witness)) };
  const verified = await verifyReceipt(receipt, trust, holderOf(event));
  check(verified.record.id === event.id, "the receipt is of another record");
  return { receipt, verified };
}

function holderOf({ agent, scope, credential, validity }: AuditEvent): Holder | undefined {
  if (agent === undefined || scope === undefined || credential === undefined || validity === undefined)
    return undefined;
  return { agent, scope, credential, validity };
}

/** Fails the case unless the older head is a prefix of the newer one, by the log's own proof. */
export async function expectPrefix(instance: AuditLog, { call }: LogSubject, older: Head, newer: Head): Promise<void> {
  check(older.size <= newer.size, `a head of ${newer.size} came after one of ${older.size}`);
  const proof = await instance.prove(older.size, newer.size, call());
  const hashes = proof.map((hash) => fromBase64(hash));
  const [from, to] = [fromBase64(older.root), fromBase64(newer.root)];
  check(
    isConsistency(older.size, newer.size, from, to, hashes),
    `the head of ${newer.size} does not extend that of ${older.size}`,
  );
}

/** What a receipt opens to an agent. */
export const agentFields: readonly number[] = [FieldKey.agent, FieldKey.scope, FieldKey.credential];
