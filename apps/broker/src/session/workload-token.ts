import { sign, type KeyObject } from "node:crypto";
import { AgentKeysError, type Json } from "@agentkeys/core";
import type { SigningAlgorithm, SigningKey } from "../keys/keys.ts";
import { signES256 } from "./es256.ts";
import { formatHeader, signJws } from "./jws.ts";

/** What a workload token says. Everything in it was authorised and recorded. Times are Unix seconds. */
export interface WorkloadTokenAsk {
  readonly algorithm: SigningAlgorithm;
  /** The one resource it is for. */
  readonly audience: string;
  /** Claims that an issuer's far side reads; see `IdentityTokenAsk`. */
  readonly claims?: { readonly [name: string]: Json };
  /** Public id (`jti_…`). */
  readonly tokenId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly notBefore?: number | undefined;
  readonly account: string;
  readonly agent: string;
  readonly grant: string;
  /** UUID text of the audit record. */
  readonly record: string;
}

/** Signs the tokens that agents show to other services. */
export interface WorkloadTokens {
  /** A JWT of typ `JWT` with sub `agentkeys:agent:<agt_…>`. The same ask is the same claims. Throws ERR_INTERNAL without a key. */
  sign(ask: WorkloadTokenAsk): string;
}

/** Makes the signer; each token is signed by the key that is current then. `issuer` is the broker's public URL. */
export function createWorkloadTokens(options: {
  readonly keys: { readonly workload: SigningKey; readonly workloadRs256: SigningKey | undefined };
  readonly issuer: string;
}): WorkloadTokens {
  const { keys, issuer } = options;
  const keyFor = { ES256: () => keys.workload, RS256: () => keys.workloadRs256 };
  return {
    sign: (ask) => {
      const key = keyFor[ask.algorithm]();
      if (key === undefined) throw new AgentKeysError("ERR_INTERNAL", `there is no ${ask.algorithm} key`, {});
      const { account, agent, grant, record } = ask;
      const payload = {
        ...(ask.claims === undefined ? {} : (fillClaims(ask.claims, { account, agent, grant, record }) as object)),
        iss: issuer,
        sub: `agentkeys:agent:${agent}`,
        aud: ask.audience,
        iat: ask.issuedAt,
        nbf: ask.notBefore,
        exp: ask.expiresAt,
        jti: ask.tokenId,
        agentkeys: { account, agent, grant, record },
      };
      return signJws(headerOf(key), payload, key.privateKey, signBytes[ask.algorithm]);
    },
  };
}

/** Puts the recorded step's values where an ask has their names in braces. */
function fillClaims(value: Json, step: Readonly<Record<string, string>>): Json {
  if (typeof value === "string") return step[/^\{(account|agent|grant|record)\}$/u.exec(value)?.[1] ?? ""] ?? value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => fillClaims(item, step));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fillClaims(item, step)]));
}

const signBytes: Readonly<Record<SigningAlgorithm, (data: Uint8Array, privateKey: KeyObject) => Buffer>> = {
  ES256: signES256,
  RS256: signRS256,
};

const headers = new WeakMap<SigningKey, string>();

/** The header of a key's tokens, written once. */
function headerOf(key: SigningKey): string {
  const known = headers.get(key);
  if (known !== undefined) return known;
  const made = formatHeader({ typ: "JWT", alg: key.algorithm, kid: key.kid });
  headers.set(key, made);
  return made;
}

/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3). */
function signRS256(data: Uint8Array, privateKey: KeyObject): Buffer {
  return sign("sha256", data, privateKey);
}
