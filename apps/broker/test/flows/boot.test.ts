import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { loadPlugins } from "../../src/boot/compose.ts";
import { loadPlugin } from "../../src/boot/load-plugin.ts";
import { readConfig } from "../../src/boot/read-config.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
mkdirSync(root, { recursive: true });
const folder = mkdtempSync(join(root, "boot-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(toml: string) {
  const file = join(folder, "agentkeys.toml");
  writeFileSync(file, toml);
  return readConfig(file);
}

const loadable = { exports: { default: "./index.js" } };

function install(name: string, source: string, manifest: object = loadable) {
  const at = join(folder, "node_modules", name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "package.json"), JSON.stringify({ name, version: "1.2.3", type: "module", ...manifest }));
  writeFileSync(join(at, "index.js"), source);
}

test("no file at all is the whole embedded default", () => {
  const { listen, publicUrl, plugins, signUp } = readConfig(undefined);
  expect({ listen, publicUrl, signUp }).toEqual({
    listen: { host: "127.0.0.1", port: 8787 },
    publicUrl: "http://127.0.0.1:8787",
    signUp: "first",
  });
  expect(plugins.map((one) => one.specifier)).toEqual([
    "@agentkeys/auth-walletsig",
    "@agentkeys/wallet-keystore",
    "@agentkeys/audit-sqlite",
    "@agentkeys/issuer-oidc",
  ]);
});

test("every mistake of a file is told at once, by its path", () => {
  expect(() =>
    config(
      '[broker]\npublic_url = "http://example.com"\nport = 1\n[accounts]\nsign_up = "maybe"\n[[rights]]\nwho = { role = "king" }\nissuer = "oidc"\nscope = { actions = ["token"], resources = ["a/../b"] }\nmax_ttl = "soon"\n',
    ),
  ).toThrow(
    expect.objectContaining({
      code: "ERR_CONFIG_INVALID",
      facts: {
        issues: expect.arrayContaining([
          expect.stringMatching(/^broker\.public_url: /u),
          expect.stringMatching(/^broker\.port: unknown key/u),
          expect.stringMatching(/^accounts\.sign_up: /u),
          expect.stringMatching(/^rights\.0\.who/u),
          expect.stringMatching(/^rights\.0\.scope: .*dot segment/u),
          expect.stringMatching(/^rights\.0\.max_ttl: /u),
        ]),
      },
    }),
  );
});

test("a section that nothing selects, and a right of no issuer, are mistakes", () => {
  expect(() => config('[audit.solana]\nrpc = "x"\n')).toThrow("nothing selects this section");
  expect(() =>
    config('[[ceiling]]\nissuer = "aws"\nscope = { actions = ["a"], resources = ["b"] }\nmax_ttl = "1h"\n'),
  ).toThrow('there is no issuer "aws"');
});

test("a plug-in's package may have a scope or none; any other name is a short one of ours", () => {
  const specifierOf = (plugin: string) =>
    config(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "${plugin}"\n`).plugins[0]?.specifier;
  expect(specifierOf("@acme/agentkeys-auth-x")).toBe("@acme/agentkeys-auth-x");
  expect(specifierOf("agentkeys-auth-x")).toBe("agentkeys-auth-x");
  expect(specifierOf("walletsig")).toBe("@agentkeys/auth-walletsig");
});

test("a plug-in named by something else than text is a mistake", () => {
  expect(() => config("[audit.sqlite]\nplugin = 5\n")).toThrow("audit.sqlite.plugin: expected the name of a package");
});

test("what is not TOML is told by line and column", () => {
  expect(() => config("[broker\n")).toThrow(expect.objectContaining({ code: "ERR_CONFIG_FILE" }));
});

test("a plug-in that is not installed is named, with the command that installs it", async () => {
  await expect(loadPlugins(config('[audit]\nanchors = ["nowhere"]\n'))).rejects.toMatchObject({
    code: "ERR_PLUGIN_NOT_INSTALLED",
    message: expect.stringContaining("npm install --ignore-scripts @agentkeys/audit-nowhere"),
  });
});

test("a plug-in without a default export condition is installed but not loadable", async () => {
  install("@acme/agentkeys-issuer-odd", "export {}", { exports: { import: "./index.js" } });
  await expect(
    loadPlugins(
      config(
        '[issuer]\nnames = ["odd"]\n[issuer.odd]\nplugin = "@acme/agentkeys-issuer-odd"\n[[rights]]\nwho = { role = "operator" }\nissuer = "odd"\nscope = { actions = ["a"], resources = ["b"] }\nmax_ttl = "1h"\n',
      ),
    ),
  ).rejects.toMatchObject({ code: "ERR_PLUGIN_NOT_LOADABLE" });
});

test("code that throws at import is not loadable, something else than a plug-in is incompatible", async () => {
  install("@acme/agentkeys-auth-broken", "throw new Error('boom')");
  await expect(
    loadPlugins(config('[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@acme/agentkeys-auth-broken"\n')),
  ).rejects.toMatchObject({ code: "ERR_PLUGIN_NOT_LOADABLE", message: expect.stringContaining("boom") });
  install("@acme/agentkeys-auth-none", "export default {}");
  await expect(
    loadPlugins(config('[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@acme/agentkeys-auth-none"\n')),
  ).rejects.toMatchObject({ code: "ERR_PLUGIN_INCOMPATIBLE" });
});

const select = (name: string) => config(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "@acme/agentkeys-auth-${name}"\n`);

const shape = (change: string) =>
  `const config = { "~standard": { version: 1, vendor: "acme", validate: (value) => ({ value }) } };
export default { kind: "auth", name: "x", apiVersion: 1, capabilities: ["in_band"], identityTypes: ["x"], config, create() {}, ${change} };`;

test.each([
  ["a newer contract version", "apiVersion: 2", "version 1 is needed: install a newer broker"],
  ["an older contract version", "apiVersion: 0", "version 1 is needed: install a newer version of the plug-in"],
  ["another kind", 'kind: "wallet"', "is of kind wallet, but kind auth is needed: select it in [wallet]"],
  ["no known kind", 'kind: "authn"', "is of kind authn, which is none: it is auth, wallet, audit or issuer"],
  ["no identity types", "identityTypes: []", "identity types"],
  ["two flows", 'capabilities: ["in_band", "out_of_band"]', "exactly one"],
])("a plug-in of %s is refused with what is needed", async (name, change, expected) => {
  const specifier = `@acme/agentkeys-auth-${name.replaceAll(" ", "-")}`;
  install(specifier, shape(change));
  await expect(
    loadPlugins(config(`[auth]\nmethods = ["x"]\n[auth.x]\nplugin = "${specifier}"\n`)),
  ).rejects.toMatchObject({ code: "ERR_PLUGIN_INCOMPATIBLE", message: expect.stringContaining(expected) });
});

test.each([
  [
    "no-default",
    "export const plugin = {}",
    "it has no default export, only plugin: write export default definePlugin",
  ],
  ["text", "export default 'x'", "its default export is no object"],
  ["no-members", "export default { kind: 'auth', create: 1 }", "has no name (text), apiVersion (a number)"],
  ["no-schema", shape("config: {}"), "has no config that is a Standard Schema"],
])("what is no plug-in (%s) is told what it lacks", async (name, code, lacks) => {
  install(`@acme/agentkeys-auth-${name}`, code);
  await expect(loadPlugins(select(name))).rejects.toMatchObject({
    code: "ERR_PLUGIN_INCOMPATIBLE",
    message: expect.stringContaining(lacks),
  });
});

test.each([
  ["empty", "", { exports: { "./other": "./index.js" } }, 'needs "exports": { ".": { "default": "./dist/index.js" } }'],
  ["unbuilt", "", { exports: { default: "./dist/index.js" } }, "was it built before it was packed?"],
  ["crashing", "export default undefined.x", {}, "TypeError: Cannot read properties of undefined (reading 'x') (in "],
  ["unparsable", "export default {", {}, "SyntaxError: Unexpected end of input"],
  ["needy", "import 'left-pad'", {}, "it needs left-pad, which is not installed: is it in the plug-in's dependencies?"],
  [
    "odd-schema",
    shape("config: { '~standard': { version: 1, validate() { throw new Error('boom') } } }"),
    {},
    "its config schema threw Error: boom",
  ],
])("a plug-in that is installed and %s is told why it cannot be loaded", async (name, code, manifest, reason) => {
  install(`@acme/agentkeys-auth-${name}`, code, { ...loadable, ...manifest });
  await expect(loadPlugins(select(name))).rejects.toMatchObject({
    code: "ERR_PLUGIN_NOT_LOADABLE",
    message: expect.stringMatching(/^auth\.x: @acme\/agentkeys-auth-/u),
    facts: { reason: expect.stringContaining(reason) },
  });
});

test("a plug-in whose code never ends is given up", async () => {
  install("@acme/agentkeys-auth-endless", "await new Promise(() => setInterval(() => {}, 1000).unref())");
  const file = select("endless");
  const [selected] = file.plugins.filter(({ name }) => name === "x");
  vi.useFakeTimers();
  try {
    const work = Promise.allSettled([loadPlugin(selected!, file)]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await work).toMatchObject([
      { status: "rejected", reason: { facts: { reason: "its code has not finished after 10 s" } } },
    ]);
  } finally {
    vi.useRealTimers();
  }
});

test("a plug-in whose config schema never answers is given up", async () => {
  const validate = "validate() { globalThis.schemaAsked = true; return new Promise(() => undefined); }";
  install("@acme/agentkeys-auth-silent", shape(`config: { "~standard": { version: 1, vendor: "acme", ${validate} } }`));
  const file = select("silent");
  const [selected] = file.plugins.filter(({ name }) => name === "x");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const work = Promise.allSettled([loadPlugin(selected!, file)]);
    while (Reflect.get(globalThis, "schemaAsked") !== true) await nextTurn();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await work).toMatchObject([
      {
        status: "rejected",
        reason: {
          code: "ERR_PLUGIN_NOT_LOADABLE",
          facts: { reason: "its config schema has not finished after 10 s" },
        },
      },
    ]);
  } finally {
    vi.useRealTimers();
    Reflect.deleteProperty(globalThis, "schemaAsked");
  }
});

test("an unknown key of a plug-in's own section is told by its path", async () => {
  await expect(loadPlugins(config("[audit.sqlite]\nfyle = 1\n"))).rejects.toMatchObject({
    code: "ERR_CONFIG_INVALID",
    message: expect.stringMatching(/^audit\.sqlite\.fyle: unknown key/u),
  });
});
