import {
  AgentKeysError,
  type Call,
  type Credential,
  type CredentialIssuer,
  type IdentityTokenAsk,
  type IssueOrder,
  type PluginHost,
  type Readiness,
} from "@agentkeys/core";
import { STSClient } from "@aws-sdk/client-sts";
import { assumeRole, faultOf, isAnswered, type Session } from "./assume-role.ts";
import { parseAwsScope } from "./aws-scope.ts";
import type { AwsSettings } from "./config.ts";
import { sessionArn } from "./role.ts";
import { formatPolicy } from "./session-policy.ts";

/** STS gives nothing for less than 900 s; a minute more, since the call takes time and clocks differ. Seconds. */
const shortestTtl = 960;
/** A credential asked for ends so much before the order, by the clock here: STS counts by its own. Seconds. */
const clockMargin = 5;

/**
 * Issues credentials of the role. The SDK is asked for one call that needs no credentials, so it looks for none of its own.
 *
 * `ready` has STS refuse a token that is none: whoever answers so is there.
 */
export function openAwsIssuer(settings: AwsSettings, host: Pick<PluginHost, "name" | "now">): CredentialIssuer {
  const { role, region, endpoint } = settings;
  const client = new STSClient({ region, maxAttempts: 4, ...(endpoint === undefined ? {} : { endpoint }) });
  const closing = new AbortController();

  function fail(reason: string, cause?: unknown): AgentKeysError<"ERR_ISSUER_FAILED"> {
    return new AgentKeysError("ERR_ISSUER_FAILED", reason, { issuer: host.name }, cause === undefined ? {} : { cause });
  }

  /** Seconds that the session is asked for. */
  function durationOf({ issuedAt, expiresAt }: IssueOrder): number {
    const left = Math.floor(expiresAt - Math.max(issuedAt, host.now() / 1000)) - clockMargin;
    if (left < 900) throw fail("STS gives no credential for less than 900 s, and so long is not left");
    return left;
  }

  function toCredential(session: Session, order: IssueOrder): Credential {
    if (session.arn !== sessionArn(role, order.record)) throw fail("STS gave a session of another role or name");
    const expiresAt = Math.floor(session.expiration.getTime() / 1000);
    if (expiresAt > order.expiresAt) throw fail("STS gave a credential that outlives the order");
    if (expiresAt <= host.now() / 1000) throw fail("STS gave a credential that is over");
    const value = {
      access_key_id: session.accessKeyId,
      secret_access_key: session.secretAccessKey,
      session_token: session.sessionToken,
      expiration: new Date(expiresAt * 1000).toISOString().replace(".000Z", "Z"),
      region,
    };
    return { id: session.accessKeyId, type: "aws", value, expiresAt };
  }

  return {
    shortestTtl,
    tokenAlgorithms: [settings.algorithm],
    ownAudiences: [settings.audience],

    parseScope: (text) => parseAwsScope(text, role),

    identityToken: (): IdentityTokenAsk => ({
      audience: settings.audience,
      algorithm: settings.algorithm,
      claims: {
        "https://aws.amazon.com/source_identity": "{agent}",
        ...(settings.hasSessionTags ? { "https://aws.amazon.com/tags": tags } : {}),
      },
    }),

    async issue(order: IssueOrder, call: Call): Promise<Credential> {
      parseAwsScope(JSON.stringify(order.scope), role);
      const { identityToken } = order;
      if (identityToken === undefined) throw fail("the host gave no identity token");
      const ask = {
        RoleArn: role.arn,
        RoleSessionName: order.record,
        WebIdentityToken: identityToken,
        DurationSeconds: durationOf(order),
        Policy: formatPolicy(order.scope),
      };
      const session = await assumeRole(client, ask, AbortSignal.any([call.signal, closing.signal])).catch(
        (error: unknown) => {
          throw fail(`STS: ${faultOf(error)}`);
        },
      );
      if (session === undefined) throw fail("STS gave an answer of another form");
      return toCredential(session, order);
    },

    async ready(call): Promise<Readiness> {
      const ask = {
        RoleArn: role.arn,
        RoleSessionName: "agentkeys-ready",
        WebIdentityToken: "none",
        DurationSeconds: 900,
      };
      try {
        await assumeRole(client, ask, AbortSignal.any([call.signal, closing.signal]));
        return { status: "unready", reason: "STS takes a token that is none" };
      } catch (error) {
        return isAnswered(error) ? { status: "ready" } : { status: "unready", reason: `STS: ${faultOf(error)}` };
      }
    },

    async close() {
      closing.abort();
      client.destroy();
    },
  };
}

const tags = {
  principal_tags: { account: ["{account}"], agent: ["{agent}"], grant: ["{grant}"] },
  transitive_tag_keys: ["account", "agent", "grant"],
};
