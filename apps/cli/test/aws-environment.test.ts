import { describe, expect, it } from "vitest";
import { awsEnvironment, regionOf } from "../src/aws/aws-environment.ts";

const endpoint = { url: "http://127.0.0.1:1/credentials", token: "token" };
const own = {
  PATH: "/usr/bin",
  EMPTY: "",
  AWS_ENDPOINT_URL: "http://127.0.0.1:2",
  AWS_MAX_ATTEMPTS: "1",
};

describe("the environment of an AWS client", () => {
  it.each([
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  ])("does not hold %s", (name) => {
    expect(awsEnvironment({ ...own, [name]: "another" }, endpoint, undefined)).not.toHaveProperty(name);
  });

  it("names the endpoint, no shared file and no instance, and keeps the rest", () => {
    const stale = { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:9/", AWS_CONFIG_FILE: "config" };
    expect(awsEnvironment({ ...own, ...stale }, endpoint, undefined)).toEqual({
      ...own,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: endpoint.token,
      AWS_EC2_METADATA_DISABLED: "true",
    });
  });

  it.each([
    [{}, { AWS_REGION: "eu-central-1", AWS_DEFAULT_REGION: "eu-central-1" }],
    [{ AWS_REGION: "" }, { AWS_REGION: "eu-central-1", AWS_DEFAULT_REGION: "eu-central-1" }],
    [{ AWS_REGION: "eu-west-1" }, { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" }],
    [{ AWS_DEFAULT_REGION: "eu-west-1" }, { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" }],
    [
      { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-2" },
      { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-2" },
    ],
  ])("with %o and a credential of eu-central-1 names %o", (named, expected) => {
    expect(awsEnvironment({ ...own, ...named }, endpoint, regionOf(named) ?? "eu-central-1")).toMatchObject(expected);
  });
});
