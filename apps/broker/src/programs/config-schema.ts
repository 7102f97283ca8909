import { toJsonSchema, type JsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Json } from "@agentkeys/core";
import { configSchema } from "../boot/config.ts";
import type { LoadedPlugin } from "../boot/load-plugin.ts";

type JsonObject = { [member: string]: Json };

/**
 * JSON Schema (2020-12) of the broker's TOML file, for editors. The sections of the plug-ins given have their own schema, as far as it
 * can be told; what only a program can check is left to `config check`.
 */
export function describeConfig(plugins: readonly LoadedPlugin[]): JsonObject {
  const schema = convert(configSchema);
  const kinds = schema["properties"] as { [kind: string]: { properties?: JsonObject } };
  for (const { selected, plugin } of plugins) {
    const sections = (kinds[selected.kind] ??= {});
    sections.properties = { ...sections.properties, [selected.name]: describeSection(plugin.config) };
  }
  return { ...schema, $schema: "https://json-schema.org/draft/2020-12/schema", title: "AgentKeys broker" };
}

/** A plug-in's own section. Another library's schema cannot be asked, and takes anything here. */
function describeSection(config: LoadedPlugin["plugin"]["config"]): JsonObject {
  const name = {
    plugin: { type: "string", description: "npm name of its package, where the section has another name" },
  };
  if (config["~standard"].vendor !== "valibot") return { type: "object", properties: name };
  try {
    const section = convert(config as unknown as v.GenericSchema);
    return { ...section, properties: { ...(section["properties"] as JsonObject), ...name } };
  } catch {
    return { type: "object", properties: name };
  }
}

function convert(schema: v.GenericSchema): JsonObject {
  const { $schema: _, ...converted } = toJsonSchema(schema, {
    errorMode: "ignore",
    typeMode: "input",
    overrideSchema: ({ valibotSchema, jsonSchema, errors }) => describe(jsonSchema, valibotSchema, errors),
    overrideAction: ({ valibotAction, jsonSchema, errors }) =>
      errors === undefined ? undefined : describe(jsonSchema, valibotAction, errors),
  });
  return JSON.parse(JSON.stringify(converted)) as JsonObject;
}

/** What a value must be, in the words that `config check` has for it; what JSON Schema cannot say stands there alone. */
function describe(schema: JsonSchema, subject: object, errors: unknown): JsonSchema | undefined {
  const unsaid = errors === undefined ? undefined : "config check looks at more of it";
  const description = "message" in subject && typeof subject.message === "string" ? subject.message : unsaid;
  return description === undefined ? undefined : { ...schema, description };
}
