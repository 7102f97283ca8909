import { hash, timingSafeEqual } from "node:crypto";
import { AgentKeysError } from "@agentkeys/core";

/** Those who may read whole entry bundles of the log, by their bearer tokens (RFC 6750). */
export interface Auditors {
  /** The auditor's name. Throws ERR_AUDIT_AUDITOR. */
  authenticate(authorization: string | undefined): string;
}

/** Shortest token, in characters: it must not be guessed. */
const shortestToken = 32;

/** Keeps the tokens' hashes only. Throws ERR_CONFIG_SECRET for a token that is too short, or that two auditors share. */
export function createAuditors(tokens: readonly { readonly name: string; readonly token: string }[]): Auditors {
  const known = tokens.map(({ name, token }) => {
    if (!/^[\x21-\x7e]+$/u.test(token) || token.length < shortestToken)
      throw refuse(name, `the token needs ${shortestToken} visible ASCII characters or more`);
    return { name, hash: hash("sha256", token, "buffer") };
  });
  const twice = known.find((one, at) => known.findIndex((other) => other.hash.equals(one.hash)) !== at);
  if (twice !== undefined) throw refuse(twice.name, "another auditor has the same token");
  return {
    authenticate(authorization) {
      const token = /^Bearer ([\x21-\x7e]{1,512})$/iu.exec(authorization ?? "")?.[1] ?? "";
      const given = hash("sha256", token, "buffer");
      // Every one is compared, so that the time says nothing of which one nearly fitted.
      const found = known.filter((one) => timingSafeEqual(one.hash, given));
      const [auditor] = found;
      if (auditor === undefined) throw new AgentKeysError("ERR_AUDIT_AUDITOR", "the token is no auditor's", {});
      return auditor.name;
    },
  };
}

function refuse(name: string, reason: string): AgentKeysError {
  const reference = `audit.auditors ${name}`;
  return new AgentKeysError("ERR_CONFIG_SECRET", `${reference}: ${reason}`, { reference, reason });
}
