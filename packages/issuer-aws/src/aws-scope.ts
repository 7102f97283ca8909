import { AgentKeysError, formatScope, parseScope, type Scope } from "@agentkeys/core";
import type { Role } from "./role.ts";
import { findIdleListing, formatPolicy } from "./session-policy.ts";

/** Characters that STS takes of a session policy. */
const mostPolicyCharacters = 2048;

const action = /^([a-z0-9-]{1,63}):(?:[A-Z][A-Za-z0-9]{0,127}|\*)$/u;
const resource = /^arn:([a-z-]+):([a-z0-9-]{1,63}):([a-z0-9-]*):(\d{12}|):([\x21-\x7e]+)$/u;

/**
 * A scope as IAM means it: actions such as `s3:GetObject` or `s3:*`, resources that are ARNs of the role's partition and account. A `*`
 * stands at the end after `/` or `:` alone; `?`, `$` and any other `*` would be more to IAM than to a grant. Throws ERR_GRANT_SCOPE, also
 * for a scope that fits into no session policy.
 */
export function parseAwsScope(text: string, role: Role): Scope {
  const scope = parseScope(parseJson(text));
  // Its one spelling: in another one, a member could stand twice.
  if (formatScope(scope) !== text) throw refuse("the scope text is not canonical");
  const services = scope.actions.map(serviceOfAction);
  for (const one of scope.resources) {
    if (!services.includes(serviceOfResource(one, role))) throw refuse(`no action is for the resource ${one}`);
  }
  const described = new Set(scope.resources.map((one) => serviceOfResource(one, role)));
  const idle = scope.actions.find((one) => !described.has(serviceOfAction(one)));
  if (idle !== undefined) throw refuse(`no resource is for the action ${idle}`);
  const listing = findIdleListing(scope);
  if (listing !== undefined) throw refuse(`${listing} needs a bucket, or a pattern of what it is to list`);
  const { length } = formatPolicy(scope);
  if (length > mostPolicyCharacters)
    throw refuse(`its session policy has ${length} characters, and AWS takes ${mostPolicyCharacters}`);
  return scope;
}

function serviceOfAction(text: string): string {
  const service = action.exec(text)?.[1];
  if (service === undefined) throw refuse(`${text} is no action of AWS such as s3:GetObject or s3:*`);
  return service;
}

function serviceOfResource(text: string, role: Role): string {
  const [, partition, service, region, account, name = ""] = resource.exec(text) ?? [];
  if (service === undefined) throw refuse(`${text} is no ARN`);
  const isPattern = text.endsWith("/*") || text.endsWith(":*");
  if (/[*?$]/u.test(isPattern ? name.slice(0, -1) : name))
    throw refuse(`${text}: a * may stand only at the end, after / or :, and ? and $ nowhere`);
  if (partition !== role.partition) throw refuse(`${text} is not of the partition ${role.partition}`);
  // The ARNs of S3's buckets and objects name neither region nor account.
  const isInBucket = service === "s3" && region === "" && account === "";
  if (!isInBucket && account !== role.account) throw refuse(`${text} is of another account than the role's`);
  return service;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("the scope is no JSON");
  }
}

function refuse(reason: string): AgentKeysError<"ERR_GRANT_SCOPE"> {
  return new AgentKeysError("ERR_GRANT_SCOPE", reason, { reason });
}
