/** Keys of the fields of a record. Openings and commitments name a field by them. */
export const FieldKey = {
  version: 0,
  id: 1,
  time: 2,
  type: 3,
  outcome: 4,
  account: 5,
  agent: 6,
  wallet: 7,
  issuer: 8,
  scope: 9,
  policy: 10,
  grant: 11,
  credential: 12,
  validity: 13,
  parent: 14,
  code: 15,
  body: 16,
} as const;

/** What a record is about. Numbers from 1000 on are for plug-ins. */
export const RecordType = {
  intent: 1,
  issued: 2,
  denied: 3,
  revoked: 4,
  used: 5,
  signIn: 10,
  sessionRevoked: 11,
  identityLinked: 12,
  identityUnlinked: 13,
  recovered: 14,
  accountCreated: 15,
  erased: 16,
  agentPaired: 20,
  agentRevoked: 21,
  grantCreated: 22,
  grantRevoked: 23,
  walletBound: 24,
  rightsChanged: 25,
  secretPut: 30,
  secretRotated: 31,
  secretRemoved: 32,
  boot: 40,
  keyRotated: 41,
  heartbeat: 42,
  signInFailures: 43,
  anchorsConfigured: 50,
  anchorEvidence: 51,
  epochGenesis: 52,
  epochSealed: 53,
} as const;

/** How it ended. */
export const Outcome = { notApplicable: 0, ok: 1, denied: 2, error: 3, unknown: 4 } as const;

const typeNames = new Map<number, string>(
  Object.entries(RecordType).map(([name, type]) => [
    type,
    name.replace(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`),
  ]),
);

/**
 * A record type in words.
 *
 * @example recordTypeName(11) // "session revoked"
 */
export function recordTypeName(type: number): string {
  return typeNames.get(type) ?? `plug-in type ${type}`;
}

/** True for the listed types and for those of plug-ins. */
export function isRecordType(value: unknown): value is number {
  return typeof value === "number" && (typeNames.has(value) || (Number.isSafeInteger(value) && value >= 1000));
}
