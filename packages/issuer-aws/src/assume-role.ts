import { setTimeout as pause } from "node:timers/promises";
import type { PluginHost } from "@agentkeys/core";
import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  type AssumeRoleWithWebIdentityCommandOutput,
  type STSClient,
} from "@aws-sdk/client-sts";
import { faultOf, isPassing } from "./sts-fault.ts";

/** What STS answered, with all members there. */
export interface Session {
  /** Of the session: `arn:…:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

const mostAttempts = 4;
/** Milliseconds. */
const firstWait = 100;

/**
 * AssumeRoleWithWebIdentity, asked again where STS cannot serve just now. Undefined for an answer without all that a session has.
 * Throws what the SDK does. Its waits end with the signal, which the SDK's own do not.
 */
export async function assumeRole(
  client: STSClient,
  ask: AssumeRoleWithWebIdentityCommandInput,
  signal: AbortSignal,
  host: Pick<PluginHost, "random">,
): Promise<Session | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return readSession(await client.send(new AssumeRoleWithWebIdentityCommand(ask), { abortSignal: signal }));
    } catch (error) {
      if (attempt === mostAttempts || !isPassing(faultOf(error))) throw error;
    }
    const jitter = (host.random(1)[0] ?? 0) / 256;
    await pause(firstWait * 2 ** attempt * (0.5 + jitter / 2), undefined, { signal });
  }
}

function readSession({
  AssumedRoleUser: user,
  Credentials: found,
}: AssumeRoleWithWebIdentityCommandOutput): Session | undefined {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {};
  const texts = [user?.Arn, AccessKeyId, SecretAccessKey, SessionToken];
  const isWhole = texts.every((text) => typeof text === "string" && /^[\x21-\x7e]{1,16384}$/u.test(text));
  if (!isWhole || !(Expiration instanceof Date) || Number.isNaN(Expiration.getTime())) return undefined;
  const [arn = "", accessKeyId = "", secretAccessKey = "", sessionToken = ""] = texts;
  return { arn, accessKeyId, secretAccessKey, sessionToken, expiration: Expiration };
}
