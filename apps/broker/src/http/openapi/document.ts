import { describeError, type ErrorCode, type Json } from "@agentkeys/core";
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import {
  bodyErrors,
  callerErrors,
  commonErrors,
  type AnswerDescription,
  type Caller,
  type RouteDescription,
} from "./description.ts";
import { routeDescriptions } from "./routes.ts";

type JsonObject = Readonly<Record<string, Json>>;

/**
 * The OpenAPI 3.1 document of the broker's HTTP surface, made from the descriptions and from the schemas the routes parse with.
 *
 * @example JSON.stringify(openApiDocument("https://keys.acme.com"))
 */
export function openApiDocument(
  publicUrl: string,
  routes: readonly RouteDescription[] = routeDescriptions,
): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const description of routes) {
    const [method = "", path = ""] = description.route.split(" ");
    const operations = (paths[templateOf(path)] ??= {});
    operations[method.toLowerCase()] = operationOf(description, method, path);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "AgentKeys broker",
      version: "1",
      description:
        "JSON is snake_case; instants are RFC 3339 in UTC; durations are whole seconds. Unknown members of a JSON body are refused. A body has at most 64 KiB.",
      license: { name: "MIT OR Apache-2.0", identifier: "MIT OR Apache-2.0" },
    },
    servers: [{ url: publicUrl }],
    paths,
    components: { securitySchemes, schemas: { Problem: problem, OauthProblem: oauthProblem }, headers },
  };
}

/** hono's `:name` and `*` as OpenAPI writes them. */
export function templateOf(path: string): string {
  return path.replaceAll(/:([a-z_]+)/gu, "{$1}").replace("*", "{path}");
}

function operationOf(description: RouteDescription, method: string, path: string): JsonObject {
  const { summary, caller, json, form, query = {}, headers: needed = {}, answers } = description;
  const parameters = [
    ...[...templateOf(path).matchAll(/\{([a-z_]+)\}/gu)].map(([, name = ""]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    })),
    ...Object.entries(query).map(([name, schema]) => ({
      name,
      in: "query",
      required: false,
      schema: schemaOf(schema),
    })),
    ...Object.entries(needed).map(([name, schema]) => ({
      name,
      in: "header",
      required: true,
      schema: schemaOf(schema),
    })),
  ];
  const body = json ?? form;
  const type = json === undefined ? "application/x-www-form-urlencoded" : "application/json";
  const security = securityOf[caller];
  return {
    operationId: `${method.toLowerCase()}_${path.replaceAll(/[^a-z0-9]+/giu, "_").replaceAll(/^_|_$/gu, "")}`,
    summary,
    "x-caller": caller,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { [type]: { schema: schemaOf(body) } } } }),
    ...(security.length === 0 ? { security: [] } : { security }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer, caller)])),
      ...refusalsOf(description, path),
    },
  };
}

function answerOf({ means, schema, type = "application/json" }: AnswerDescription, caller: Caller): JsonObject {
  const hasBody = schema !== undefined || type !== "application/json";
  const content = { [type]: { schema: schema === undefined ? { type: "string" } : schemaOf(schema) } };
  return {
    description: means,
    headers: {
      "X-Request-Id": reference("headers", "RequestId"),
      ...(hasProof(caller) ? { "DPoP-Nonce": reference("headers", "Nonce") } : {}),
    },
    ...(hasBody ? { content } : {}),
  };
}

/** The statuses of its errors, each with the codes that it may stand for. */
function refusalsOf(description: RouteDescription, path: string): Record<string, Json> {
  const { caller, json, form, errors = [], answers } = description;
  const isOauth = path.startsWith("/oauth/");
  const hasBody = json !== undefined || form !== undefined;
  const codes = new Set([...commonErrors, ...callerErrors[caller], ...(hasBody ? bodyErrors : []), ...errors]);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = statusOf(code, isOauth);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => {
      const type = isOauth ? "application/json" : "application/problem+json";
      const schema = {
        allOf: [reference("schemas", isOauth ? "OauthProblem" : "Problem")],
        properties: { code: { enum: all.toSorted() } },
      };
      const own = answers[status];
      const content = own?.schema === undefined ? {} : { "application/json": { schema: schemaOf(own.schema) } };
      return [
        String(status),
        {
          description: [
            ...(own === undefined ? [] : [own.means]),
            ...all.map((code) => `${code}: ${describeError(code)?.meaning ?? ""}`),
          ].join(" "),
          headers: {
            "X-Request-Id": reference("headers", "RequestId"),
            ...(status === 429 ? { "Retry-After": reference("headers", "RetryAfter") } : {}),
          },
          content: { ...content, [type]: { schema } },
        },
      ];
    }),
  );
}

/** RFC 6749 section 5.2: only a client that is not known is 401. */
function statusOf(code: ErrorCode, isOauth: boolean): number {
  const row = describeError(code);
  const status = row?.status ?? 500;
  return isOauth && status === 401 && row?.oauth !== "invalid_client" ? 400 : status;
}

function schemaOf(schema: v.GenericSchema): JsonObject {
  // What a route transforms is described as it comes, and a check no schema can express is left to the route.
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    errorMode: "ignore",
  }) as Record<string, Json>;
  return rest;
}

function reference(kind: "headers" | "schemas", name: string): JsonObject {
  return { $ref: `#/components/${kind}/${name}` };
}

function hasProof(caller: Caller): boolean {
  return securityOf[caller].length > 0 && caller !== "auditor";
}

const withToken: readonly JsonObject[] = [{ access_token: [], proof: [] }];
const securityOf: Readonly<Record<Caller, readonly JsonObject[]>> = {
  any: [],
  browser: [],
  key: [{ proof: [] }],
  session: withToken,
  person: withToken,
  fresh: withToken,
  agent: withToken,
  auditor: [{ auditor: [] }],
};

const securitySchemes: JsonObject = {
  access_token: {
    type: "http",
    scheme: "DPoP",
    description:
      "An access token (RFC 9449), of a person or an agent; `x-caller` says of whom, and whether the sign-in must be fresh.",
  },
  proof: {
    type: "apiKey",
    in: "header",
    name: "DPoP",
    description: "A DPoP proof (RFC 9449) for this method and URL, with the newest `DPoP-Nonce`.",
  },
  auditor: { type: "http", scheme: "bearer", description: "The token of an `[[audit.auditors]]` row." },
};

const headers: JsonObject = {
  RequestId: { description: "Names the request in the broker's log.", schema: { type: "string" } },
  Nonce: { description: "The nonce of the next proof.", schema: { type: "string" } },
  RetryAfter: { description: "Seconds to wait.", schema: { type: "integer", minimum: 1 } },
};

const problem: JsonObject = {
  type: "object",
  description: "RFC 9457.",
  required: ["type", "title", "status", "detail", "code", "retry", "next_step"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", pattern: "^ERR_[A-Z_]+$" },
    request_id: { type: "string" },
    retry: { enum: ["now", "later", "never"] },
    retry_after: { type: "integer", minimum: 1 },
    next_step: { type: "string" },
    proposal: { type: "string", description: "Under this id what was asked for waits for the agent's owner." },
    facts: { type: "object" },
  },
};

const oauthProblem: JsonObject = {
  allOf: [{ $ref: "#/components/schemas/Problem" }],
  required: ["error", "error_description"],
  properties: { error: { type: "string" }, error_description: { type: "string" } },
};
