import { describe, expect, it } from "vitest";
import { apiVersion, definePlugin, isPlugin, type StandardSchemaV1 } from "../src/index.ts";

const config: StandardSchemaV1<unknown, object> = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as object }) },
};
const plugin = definePlugin({
  kind: "issuer",
  name: "test",
  apiVersion,
  capabilities: ["local"],
  config,
  create: () => Promise.reject(new Error("nothing is created here")),
});

describe("definePlugin", () => {
  it("gives a frozen plug-in", () => {
    expect(Object.isFrozen(plugin)).toBe(true);
    expect(isPlugin(plugin)).toBe(true);
  });
});

describe("isPlugin", () => {
  it("takes one of another contract version, whose message the loader writes", () => {
    expect(isPlugin({ ...plugin, apiVersion: 99, kind: "future" })).toBe(true);
  });
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a function", () => plugin],
    ["a module", { default: plugin }],
    ["one without a name", { ...plugin, name: undefined }],
    ["one without a kind", { ...plugin, kind: undefined }],
    ["one without a version", { ...plugin, apiVersion: "1" }],
    ["one without capabilities", { ...plugin, capabilities: "local" }],
    ["one without create", { ...plugin, create: undefined }],
    ["one whose config is no Standard Schema", { ...plugin, config: {} }],
    ["one without a config", { ...plugin, config: null }],
  ])("refuses %s", (_what, value) => {
    expect(isPlugin(value)).toBe(false);
  });
});
