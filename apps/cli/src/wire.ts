import * as v from "valibot";

// The broker's answers as they stand on the wire: `--json` prints them as they came.

const scopeSchema = v.object({ actions: v.array(v.string()), resources: v.array(v.string()) });

/** An agent of the account. */
export const agentSchema = v.object({
  id: v.string(),
  name: v.string(),
  client_id: v.string(),
  key_thumbprint: v.string(),
  created_at: v.string(),
  revoked_at: v.optional(v.string()),
});
/** `GET /v1/agents`. */
export const agentsSchema = v.object({ agents: v.array(agentSchema) });

/** A pairing that waits for a decision. */
export const pairingSchema = v.object({
  client_id: v.string(),
  client_name: v.optional(v.string()),
  key_thumbprint: v.string(),
  address: v.string(),
  requested_at: v.string(),
  expires_at: v.string(),
});

const amountsSchema = v.object({ units: v.optional(v.number()), seconds: v.optional(v.number()) });

/** A grant of the account. */
export const grantSchema = v.object({
  id: v.string(),
  agent: v.string(),
  issuer: v.string(),
  scope: scopeSchema,
  delivery: v.string(),
  constraints: v.object({
    max_uses: v.optional(v.number()),
    max_ttl: v.optional(v.number()),
    not_before: v.optional(v.string()),
    expires_at: v.optional(v.string()),
    budget: v.optional(amountsSchema),
  }),
  uses: v.number(),
  used: v.optional(amountsSchema),
  created_at: v.string(),
  revoked_at: v.optional(v.string()),
});
/** `GET /v1/grants`. */
export const grantsSchema = v.object({ grants: v.array(grantSchema) });

/** What an agent wishes for. */
export const proposalSchema = v.object({
  id: v.string(),
  status: v.string(),
  agent: v.string(),
  issuer: v.string(),
  scope: scopeSchema,
  ttl: v.number(),
  units: v.number(),
  created_at: v.string(),
  expires_at: v.string(),
});
/** `GET /v1/proposals`. */
export const proposalsSchema = v.object({ proposals: v.array(proposalSchema) });

/** `POST /v1/grants/explain`. */
export const explanationSchema = v.object({
  allowed: v.boolean(),
  layer: v.optional(v.string()),
  code: v.optional(v.string()),
  reason: v.string(),
  grant: v.optional(v.string()),
  policy: v.looseObject({}),
  would_allow: v.array(
    v.object({
      issuer: v.string(),
      scope: scopeSchema,
      max_ttl: v.optional(v.number()),
      left: v.optional(v.object({ uses: v.optional(v.number()), ...amountsSchema.entries })),
    }),
  ),
});

const identitiesSchema = v.array(v.object({ type: v.string(), value: v.string(), linked_at: v.string() }));

/** `GET /v1/account`. */
export const accountSchema = v.object({
  account: v.string(),
  role: v.string(),
  identities: identitiesSchema,
  created_at: v.string(),
});

/** `GET /v1/accounts`. */
export const accountsSchema = v.object({
  accounts: v.array(
    v.object({
      account: v.string(),
      role: v.string(),
      created_at: v.string(),
      suspended_at: v.optional(v.string()),
      identities: identitiesSchema,
      rights: v.array(v.string()),
    }),
  ),
  next: v.optional(v.string()),
});

const inviteMembers = { id: v.string(), role: v.string(), created_at: v.string(), expires_at: v.string() };
/** `POST /v1/accounts/invites`. */
export const inviteSchema = v.object({ ...inviteMembers, code: v.string() });
/** `GET /v1/accounts/invites`. */
export const invitesSchema = v.object({ invites: v.array(v.object(inviteMembers)) });

/** `POST /v1/accounts/:account/recovery`. */
export const recoverySchema = v.object({ code: v.string(), expires_at: v.string() });

const ceilingMembers = { issuer: v.string(), scope: scopeSchema, max_ttl: v.number() };
/** `GET /v1/rights`. */
export const rightsSchema = v.object({
  policy: v.string(),
  rights: v.array(v.object({ who: v.record(v.string(), v.string()), ...ceilingMembers })),
  ceilings: v.array(v.object(ceilingMembers)),
});

/** `GET /v1/sessions`. */
export const sessionsSchema = v.object({
  sessions: v.array(
    v.object({
      id: v.string(),
      created_at: v.string(),
      expires_at: v.string(),
      amr: v.array(v.string()),
      current: v.boolean(),
    }),
  ),
});

/** `GET /v1/audit/records`. */
export const recordsSchema = v.object({
  records: v.array(
    v.looseObject({
      index: v.number(),
      id: v.string(),
      time: v.union([v.string(), v.number()]),
      type: v.string(),
      outcome: v.string(),
      agent: v.optional(v.string()),
      issuer: v.optional(v.string()),
      scope: v.optional(v.unknown()),
      code: v.optional(v.string()),
    }),
  ),
});
