import {
  AgentKeysError,
  isAgentKeysError,
  type Call,
  type Credential,
  type CredentialIssuer,
  type IdentityTokenAsk,
  type IssueOrder,
  type PluginHost,
  type Readiness,
} from "@agentkeys/core";
import { assumeRole, type Session } from "./assume-role.ts";
import { parseAwsScope } from "./aws-scope.ts";
import type { AwsSettings } from "./config.ts";
import { sessionArn } from "./role.ts";
import { formatPolicy } from "./session-policy.ts";
import { createStsClient } from "./sts-client.ts";
import { describeFault, faultOf, isOutcomeUnknown, isRefusalOfToken } from "./sts-fault.ts";

/** STS gives nothing for less than 900 s; a minute more, since the call takes time and clocks differ. Seconds. */
const shortestTtl = 960;
/** What of the host it uses. */
type Host = Pick<PluginHost, "name" | "now" | "fetch" | "random">;

/**
 * Issues credentials of the role.
 *
 * `ready` has STS refuse a token that is none: whoever answers so is there.
 */
export function openAwsIssuer(settings: AwsSettings, host: Host): CredentialIssuer {
  const { role, region } = settings;
  const client = createStsClient(settings, host);
  const closing = new AbortController();

  function during({ signal }: Call): AbortSignal {
    return AbortSignal.any([signal, closing.signal]);
  }

  function fail(reason: string): AgentKeysError<"ERR_ISSUER_FAILED"> {
    return new AgentKeysError("ERR_ISSUER_FAILED", reason, { issuer: host.name });
  }

  /** The error of an ask without a session. */
  function failOf(error: unknown): AgentKeysError {
    const reason = `STS: ${describeFault(faultOf(error))}`;
    if (!isOutcomeUnknown(error)) return fail(reason);
    return new AgentKeysError("ERR_ISSUER_OUTCOME_UNKNOWN", `${reason}; it may have given a session`, {});
  }

  /** Seconds that the session is asked for: from the last moment at which STS may answer, so that none outlives the order. */
  function durationOf({ expiresAt }: IssueOrder, { deadline }: Call): number {
    const left = Math.floor(expiresAt - deadline / 1000);
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
        DurationSeconds: durationOf(order, call),
        Policy: formatPolicy(order.scope),
      };
      const session = await assumeRole(client, ask, during(call), host).catch((error: unknown) => {
        throw failOf(error);
      });
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
        await assumeRole(client, ask, during(call), host);
        return { status: "unready", reason: "STS takes a token that is none" };
      } catch (error) {
        const fault = faultOf(error);
        if (isRefusalOfToken(fault)) return { status: "ready" };
        const why = fault.status === undefined ? `no answer: ${messageOf(error)}` : describeFault(fault);
        return { status: "unready", reason: `STS: ${why}` };
      }
    },

    async close() {
      closing.abort();
      client.destroy();
    },
  };
}

/** Of the host's network: it names what could not be reached, and nothing that was sent. */
function messageOf(error: unknown): string {
  if (isAgentKeysError(error, "ERR_REQUEST_UNREACHABLE")) return error.facts.reason;
  return error instanceof Error ? error.message : String(error);
}

const tags = {
  principal_tags: { account: ["{account}"], agent: ["{agent}"], grant: ["{grant}"] },
  transitive_tag_keys: ["account", "agent", "grant"],
};
