import { AgentKeysError, formatScope, isWithin, type Scope } from "@agentkeys/core";
import type { Readings } from "../store/readings.ts";

/** One `[[rights]]` row: who may hand out what, for at most how many seconds. */
export interface Right {
  readonly who:
    | { readonly role: "operator" | "member" }
    | { readonly account: string }
    | { readonly email_domain: string };
  readonly issuer: string;
  readonly scope: Scope;
  readonly max_ttl: number;
}

/** One `[[ceiling]]` row: what nobody may exceed. */
export type Ceiling = Omit<Right, "who">;

/** The rights and ceilings of the configuration, as the authorize step asks them. */
export interface RightsInForce {
  readonly rights: readonly Right[];
  readonly ceilings: readonly Ceiling[];
  /** SHA-256 of both, lower hex: a record's `policy`. */
  readonly policy: string;
}

/** What is asked, of an issuer, for so many seconds. */
export interface Ask {
  readonly issuer: string;
  readonly scope: Scope;
  readonly ttl: number;
}

/**
 * One `[[rights]]` row of the account, and one `[[ceiling]]` row where any names the issuer, must contain the whole scope and
 * ttl; rows are never combined. Throws ERR_GRANT_EXCEEDS_RIGHTS, ERR_GRANT_DENIED (ceiling).
 */
export function assertWithinRights(inForce: RightsInForce, readings: Readings, account: string, ask: Ask): void {
  const held = rightsOf(inForce, readings, account).filter((row) => row.issuer === ask.issuer);
  if (!held.some((row) => contains(row, ask))) {
    throw new AgentKeysError("ERR_GRANT_EXCEEDS_RIGHTS", `the account's rights do not contain this for ${ask.issuer}`, {
      issuer: ask.issuer,
    });
  }
  const ceilings = inForce.ceilings.filter((row) => row.issuer === ask.issuer);
  if (ceilings.length > 0 && !ceilings.some((row) => contains(row, ask))) {
    throw new AgentKeysError("ERR_GRANT_DENIED", `that is above the ceiling for ${ask.issuer}`, {
      layer: "ceiling",
      allowed: ceilings.map(describeRow),
    });
  }
}

function contains(row: { readonly scope: Scope; readonly max_ttl: number }, ask: Ask): boolean {
  return ask.ttl <= row.max_ttl && isWithin(ask.scope, row.scope);
}

/** The rows an account holds: by role, by its own id, or by the domain of a verified email identity. */
export function rightsOf(inForce: RightsInForce, readings: Readings, account: string): readonly Right[] {
  const row = readings.account(account);
  if (row === undefined) return [];
  return inForce.rights.filter(({ who }) => {
    if ("role" in who) return who.role === row.role;
    if ("account" in who) return who.account === account;
    return readings
      .identitiesOf(account)
      .some((one) => one.type === "email" && one.value.endsWith(`@${who.email_domain}`));
  });
}

/** A row in words a person or an agent can act on. */
export function describeRow(row: { readonly issuer: string; readonly scope: Scope; readonly max_ttl: number }): string {
  return `${row.issuer} ${formatScope(row.scope)} for at most ${row.max_ttl} s`;
}

/**
 * The RFC 8785 text whose SHA-256 every record carries as `policy`: ceilings and rights in file order, durations in seconds.
 */
export function formatPolicy(rights: readonly Right[], ceilings: readonly Ceiling[]): string {
  const plain = (row: Ceiling) => ({
    issuer: row.issuer,
    max_ttl: row.max_ttl,
    scope: { actions: row.scope.actions, resources: row.scope.resources },
  });
  // Members are written in the order that RFC 8785 sorts them to; scopes are sorted since they were parsed.
  return JSON.stringify({
    ceiling: ceilings.map(plain),
    rights: rights.map((row) => ({ ...plain(row), who: row.who })),
  });
}
