import { devNull } from "node:os";
import type { LoopbackEndpoint } from "../loopback/endpoint.ts";

// Every SDK takes these before it looks for a container's endpoint.
const otherCredentials = [
  "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_ACCOUNT_ID",
  "AWS_BEARER_TOKEN_BEDROCK",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CREDENTIAL_EXPIRATION",
  "AWS_CREDENTIAL_FILE",
  "AWS_CREDENTIAL_SCOPE",
  "AWS_DEFAULT_PROFILE",
  "AWS_PROFILE",
  "AWS_ROLE_ARN",
  "AWS_ROLE_SESSION_NAME",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SECRET_KEY",
  "AWS_SECURITY_TOKEN",
  "AWS_SESSION_TOKEN",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
];

const regionNames = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/** The region an environment names, or undefined. */
export function regionOf(environment: NodeJS.ProcessEnv): string | undefined {
  return regionNames.map((name) => environment[name]).find((region) => region !== undefined && region !== "");
}

/**
 * An environment in which every AWS SDK asks the endpoint for its credential and finds no other: what else it holds of AWS
 * credentials is taken out, and no shared file is read, because a profile in one would win. `region` stands where none is named.
 */
export function awsEnvironment(
  own: NodeJS.ProcessEnv,
  endpoint: Pick<LoopbackEndpoint, "url" | "token">,
  region: string | undefined,
): NodeJS.ProcessEnv {
  const isKept = ([name, value]: readonly [string, string | undefined]): boolean =>
    !otherCredentials.includes(name) && !(regionNames.includes(name) && value === "");
  return {
    ...(region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    ...Object.fromEntries(Object.entries(own).filter(isKept)),
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: endpoint.token,
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
