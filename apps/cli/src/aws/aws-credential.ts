import type { IssuedCredential } from "@agentkeys/client";
import { AgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import { UsageError } from "../usage-error.ts";

const valueSchema = v.object({
  access_key_id: v.string(),
  secret_access_key: v.string(),
  session_token: v.string(),
  expiration: v.pipe(v.string(), v.isoTimestamp()),
  region: v.optional(v.string()),
});

/** A credential of AWS, in the words of its SDKs. */
export interface AwsCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** RFC 3339 in whole seconds of UTC: the form that every SDK reads. */
  readonly expiration: string;
  readonly region: string | undefined;
}

/**
 * What a credential of type `aws` holds. Throws a UsageError for one of another type, and ERR_REQUEST_ANSWER for a value that is not
 * of the form.
 */
export function awsCredentialOf(issued: IssuedCredential, broker: string): AwsCredential {
  if (issued.type !== "aws") {
    throw new UsageError(`issuer ${issued.issuer} gives credentials of type ${issued.type}, not of type aws`);
  }
  const parsed = v.safeParse(valueSchema, issued.value);
  if (!parsed.success) {
    const reason = `the credential is no AWS credential at ${v.getDotPath(parsed.issues[0]) ?? "its root"}`;
    throw new AgentKeysError("ERR_REQUEST_ANSWER", `${broker}: ${reason}`, { url: broker, reason });
  }
  const value = parsed.output;
  // The receipt is of the one, AWS knows the other.
  const expiresAt = Math.min(issued.expiresAt * 1000, Date.parse(value.expiration));
  return {
    accessKeyId: value.access_key_id,
    secretAccessKey: value.secret_access_key,
    sessionToken: value.session_token,
    expiration: `${new Date(expiresAt).toISOString().slice(0, 19)}Z`,
    region: value.region,
  };
}

/** The answer of a container-credentials endpoint. */
export function containerAnswer({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsCredential): object {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: expiration,
  };
}

/** The answer of a `credential_process`. */
export function processAnswer({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsCredential): object {
  return {
    Version: 1,
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: expiration,
  };
}
