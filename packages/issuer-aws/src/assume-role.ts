import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  type STSClient,
} from "@aws-sdk/client-sts";

/** What STS answered, with all members there. */
export interface Session {
  /** Of the session: `arn:…:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** AssumeRoleWithWebIdentity. Undefined for an answer without all that a session has. Throws what the SDK does. */
export async function assumeRole(
  client: STSClient,
  ask: AssumeRoleWithWebIdentityCommandInput,
  abortSignal: AbortSignal,
): Promise<Session | undefined> {
  abortSignal.throwIfAborted();
  const { AssumedRoleUser: user, Credentials: found } = await client.send(new AssumeRoleWithWebIdentityCommand(ask), {
    abortSignal,
  });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {};
  const texts = [user?.Arn, AccessKeyId, SecretAccessKey, SessionToken];
  const isWhole = texts.every((text) => typeof text === "string" && /^[\x21-\x7e]{1,16384}$/u.test(text));
  if (!isWhole || !(Expiration instanceof Date) || Number.isNaN(Expiration.getTime())) return undefined;
  const [arn = "", accessKeyId = "", secretAccessKey = "", sessionToken = ""] = texts;
  return { arn, accessKeyId, secretAccessKey, sessionToken, expiration: Expiration };
}

/** The name of an error of the SDK's, never its message: that may hold what was sent. */
export function faultOf(error: unknown): string {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  const known = [code, name].find(
    (one) => typeof one === "string" && /^[A-Za-z_]{1,64}$/u.test(one) && one !== "Error",
  );
  return typeof known === "string" ? known : "it could not be asked";
}

/** True for an error that STS itself answered with, other than that it cannot serve now. */
export function isAnswered(error: unknown): boolean {
  const { $metadata: metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = metadata?.httpStatusCode ?? 0;
  return status >= 400 && status < 500 && status !== 429;
}
