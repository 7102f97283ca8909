import * as v from "valibot";

/** An instant, RFC 3339 in UTC. */
export const instant = v.pipe(v.string(), v.isoTimestamp());
/** A whole number from 0 on. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Lower hex of 32 bytes: an account, a log id, a hash. */
export const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
/** A scope as it was granted. */
export const scope = v.strictObject({ actions: v.array(v.string()), resources: v.array(v.string()) });
/** Whatever JSON object a plug-in makes. */
export const anyObject = v.record(v.string(), v.unknown());
/** What only its holder may know. */
export const secret = v.pipe(v.string(), v.minLength(8));

/** Tokens of a session: `account` of a person, `agent` of an agent. */
export const sessionTokens = v.strictObject({
  access_token: secret,
  token_type: v.literal("DPoP"),
  expires_in: count,
  refresh_token: secret,
  account: v.optional(hex64),
  agent: v.optional(v.string()),
});

/** An agent of the account. */
export const agent = v.strictObject({
  id: v.string(),
  name: v.string(),
  client_id: v.string(),
  key_thumbprint: v.string(),
  created_at: instant,
  revoked_at: v.optional(instant),
});

/** Units, seconds or both: what a grant allows in all, or what was used of it. */
const amounts = v.strictObject({ units: v.optional(count), seconds: v.optional(count) });

/** A grant. */
export const grant = v.strictObject({
  id: v.string(),
  agent: v.string(),
  issuer: v.string(),
  scope,
  delivery: v.string(),
  constraints: v.strictObject({
    max_uses: v.optional(count),
    max_ttl: v.optional(count),
    not_before: v.optional(instant),
    expires_at: v.optional(instant),
    budget: v.optional(amounts),
  }),
  uses: count,
  used: v.optional(amounts),
  created_at: instant,
  revoked_at: v.optional(instant),
});

/** What an agent wishes for. */
export const proposal = v.strictObject({
  id: v.string(),
  status: v.picklist(["open", "declined"]),
  agent: v.string(),
  issuer: v.string(),
  scope,
  ttl: count,
  units: count,
  created_at: instant,
  expires_at: instant,
});

/** A wallet bound to the account. */
export const wallet = v.strictObject({
  address: v.string(),
  family: v.picklist(["evm", "solana"]),
  custody: v.picklist(["person", "contract", "enclave", "remote"]),
});

/** Evidence that a record stands in the log. */
export const receipt = v.object({
  entry: v.string(),
  tlog_proof: v.string(),
  anchors: v.array(v.unknown()),
  openings: v.array(v.unknown()),
});

/** A challenge of a plug-in: its own members stand beside these. */
export const challenge = v.looseObject({ challenge_id: v.string(), expires_at: instant });
