import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorRegistry } from "@agentkeys/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as v from "valibot";
import { compose, type Composition } from "../../src/boot/compose.ts";
import { readConfig } from "../../src/boot/read-config.ts";
import { createApp } from "../../src/http/app.ts";
import { openApiDocument, templateOf } from "../../src/http/openapi/document.ts";
import { routeDescriptions } from "../../src/http/openapi/routes.ts";
import { createLogger } from "../../src/ops/logger.ts";
import { findUndescribed } from "../flows/described.ts";
import { openBroker } from "../flows/harness.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
let folder: string;
let composition: Composition;
beforeAll(async () => {
  mkdirSync(root, { recursive: true });
  folder = mkdtempSync(join(root, "openapi-"));
  const [dataDirectory, highWaterDirectory] = [join(folder, "data"), join(folder, "high-water")];
  const config = { ...readConfig(undefined), dataDirectory, highWaterDirectory };
  composition = await compose(
    config,
    createLogger(() => undefined, Date.now),
    () => undefined,
  );
});
afterAll(async () => {
  await composition.close();
  rmSync(folder, { recursive: true, force: true });
});

test("every route is described and every description has its route", () => {
  const { routes } = createApp(composition.broker, new Set());
  const served = routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
  const described = routeDescriptions.map(({ route }) => route);
  expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
  expect(new Set(described).size).toBe(described.length);
});

test("no two routes share an operation, and each names its caller, its answers and its errors", () => {
  const paths = openApiDocument("https://keys.acme.com")["paths"] as Record<
    string,
    Record<string, { operationId: string; responses: object }>
  >;
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  expect(operations).toHaveLength(routeDescriptions.length);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  for (const { responses } of operations) {
    const statuses = Object.keys(responses).map(Number);
    expect(statuses.some((status) => status < 400)).toBe(true);
    for (const status of [413, 421, 429, 503, 504]) expect(statuses).toContain(status);
  }
});

test("every code named is of the registry, and stands under its own status", () => {
  const paths = openApiDocument("https://keys.acme.com")["paths"] as unknown as Record<
    string,
    Record<
      string,
      {
        responses: Record<
          string,
          { content?: Record<string, { schema: { properties?: { code?: { enum: string[] } } } }> }
        >;
      }
    >
  >;
  let named = 0;
  for (const [path, operations] of Object.entries(paths))
    for (const { responses } of Object.values(operations))
      for (const [status, { content = {} }] of Object.entries(responses))
        for (const code of Object.values(content).flatMap(({ schema }) => schema.properties?.code?.enum ?? [])) {
          const row = errorRegistry[code as keyof typeof errorRegistry];
          expect(path.startsWith("/oauth/") && row.status === 401 ? [400, 401] : [row.status]).toContain(
            Number(status),
          );
          named += 1;
        }
  expect(named).toBeGreaterThan(400);
});

test("the document holds what OpenAPI 3.1 asks of it, and is served to anyone", async () => {
  const broker = await openBroker();
  try {
    const response = await fetch(`${broker.url}/openapi.json`);
    expect(response.headers.get("content-type")).toBe("application/json");
    const document = (await response.json()) as ReturnType<typeof openApiDocument>;
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument(broker.url))));
    expect(document).toMatchObject({ openapi: "3.1.1", servers: [{ url: broker.url }] });
    const text = JSON.stringify(document);
    // Every reference leads somewhere, and every parameter of a path is declared.
    for (const [, pointer = ""] of text.matchAll(/"\$ref":"#([^"]+)"/gu)) {
      const target = pointer
        .split("/")
        .slice(1)
        .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], document);
      expect(target, pointer).toBeDefined();
    }
    for (const { route } of routeDescriptions) {
      const [method = "", path = ""] = route.split(" ");
      const { parameters = [] } =
        (document["paths"] as Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>)[
          templateOf(path)
        ]?.[method.toLowerCase()] ?? {};
      const named = [...templateOf(path).matchAll(/\{([a-z_]+)\}/gu)].map(([, name]) => name);
      expect(parameters.filter((one) => one.in === "path").map(({ name }) => name)).toEqual(named);
    }
  } finally {
    await broker.close();
  }
});

test("a body is described by the very schema it is parsed with", () => {
  const described = openApiDocument("https://keys.acme.com", [
    {
      route: "POST /x/:id",
      summary: "X.",
      caller: "any",
      json: v.strictObject({ a: v.pipe(v.string(), v.maxLength(3)) }),
      answers: { 204: { means: "Done." } },
    },
  ]);
  expect(described["paths"]).toMatchObject({
    "/x/{id}": {
      post: {
        requestBody: {
          content: {
            "application/json": {
              schema: {
                type: "object",
                properties: { a: { type: "string", maxLength: 3 } },
                required: ["a"],
                additionalProperties: false,
              },
            },
          },
        },
      },
    },
  });
});

test.each([
  ["an unknown member", 200, "application/json", { status: "ok", more: 1 }],
  ["a member that is missing", 200, "application/json", {}],
  ["another status", 201, "application/json", { status: "ok" }],
  ["another media type", 200, "text/html", "ok"],
  ["a code that is not described", 404, "application/problem+json", { code: "ERR_REQUEST_NOT_FOUND" }],
])("an answer with %s is not taken for one as described", (_, status, type, body) => {
  expect(findUndescribed({ method: "GET", path: "/healthz", status, type, body })).toMatch(/^GET \/healthz/u);
  expect(
    findUndescribed({ method: "GET", path: "/healthz", status: 200, type: "application/json", body: { status: "ok" } }),
  ).toBeUndefined();
});
