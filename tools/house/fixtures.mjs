// A small tree that keeps every house rule, and for each rule the least change that breaks it.

/** A manifest that keeps the rules; `more` is laid over it. */
const manifest = (dir, more = {}) => ({
  name: `@agentkeys/${dir.split("/")[1]}`,
  version: "0.1.0",
  license: "(MIT OR Apache-2.0)",
  type: "module",
  sideEffects: false,
  repository: { type: "git", directory: dir },
  exports: {
    ".": { "agentkeys-source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./package.json": "./package.json",
  },
  publishConfig: { access: "public", provenance: true },
  scripts: { build: "tsc -p tsconfig.build.json", typecheck: "tsc -p tsconfig.json" },
  engines: { node: ">=22.14" },
  ...more,
});

const json = (value) => JSON.stringify(value, null, 2);

const plugin = { keywords: ["agentkeys-plugin"], peerDependencies: { "@agentkeys/core": ">=0.1.0 <1.0.0" } };

const README = [
  "# A plug-in",
  "## Install",
  "## Configure",
  "```toml",
  "[audit.alpha]",
  "```",
  "## What it proves",
  "## What it needs",
  "## Failure modes",
  "## Conformance",
  "",
  "<!-- Written by agentkeys-conformance from a run of the kit. -->",
  "",
].join("\n");

const PROGRAM = [
  "#!/usr/bin/env node",
  'import { versions } from "node:process";',
  'if (versions.node.startsWith("20.")) {',
  '  console.error("ERR_CONFIG_NODE_VERSION");',
  "  process.exit(78);",
  "}",
  'await import("./main.ts");',
  "",
].join("\n");

const conformance = 'import { auditCases } from "@agentkeys/testkit";\n';

const TEMPLATE = "templates/plugin-wallet";

/** The manifest of a template that keeps the rules; `more` is laid over it. */
const template = (more = {}) => ({
  name: "@acme/agentkeys-wallet-template",
  keywords: ["agentkeys-plugin"],
  type: "module",
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
  devDependencies: { "@agentkeys/core": ">=0.1.0 <1.0.0", vitest: "^5.1.1" },
  peerDependencies: { "@agentkeys/core": ">=0.1.0 <1.0.0" },
  engines: { node: ">=22.14" },
  ...more,
});

/** The tree that keeps every rule. */
const clean = {
  "package.json": json({
    scripts: Object.fromEntries(
      ["start", "test", "check", "build", "bench"].map((name) => [name, `node tools/go.mjs ${name}`]),
    ),
    devDependencies: { vitest: "catalog:" },
  }),
  "pnpm-workspace.yaml": "catalog:\n  ethers: 6.17.0\n  vitest: 5.1.1\n",
  "tools/go.mjs": "console.log(process.argv);\n",
  "packages/core/package.json": json(manifest("packages/core", { dependencies: { "@noble/hashes": "catalog:" } })),
  "packages/core/README.md": "# core\n",
  "packages/core/src/index.ts": "/** A fact. */\nexport const fact = 1;\n",
  "packages/client/package.json": json(
    manifest("packages/client", { dependencies: { "@agentkeys/core": "workspace:*" } }),
  ),
  "packages/client/README.md": "# client\n",
  "packages/client/src/index.ts": 'import { fact } from "@agentkeys/core";\n/** Asks. */\nexport const ask = fact;\n',
  "packages/audit-alpha/package.json": json(manifest("packages/audit-alpha", plugin)),
  "packages/audit-alpha/README.md": README,
  "packages/audit-alpha/src/index.ts": 'import { fact } from "@agentkeys/core";\nexport default fact;\n',
  "packages/audit-alpha/test/conformance.test.ts": conformance,
  "packages/auth-beta/package.json": json(manifest("packages/auth-beta", plugin)),
  "packages/auth-beta/README.md": README,
  "packages/auth-beta/src/index.ts": 'import { fact } from "@agentkeys/core";\nexport default fact;\n',
  "packages/auth-beta/test/conformance.test.ts": conformance,
  "apps/broker/package.json": json(
    manifest("apps/broker", {
      bin: { "agentkeys-broker": "./dist/bin.js" },
      dependencies: { "@agentkeys/core": "workspace:*" },
    }),
  ),
  [`${TEMPLATE}/package.json`]: json(template()),
  [`${TEMPLATE}/README.md`]: README,
  [`${TEMPLATE}/src/index.ts`]: 'import { fact } from "@agentkeys/core";\nexport default fact;\n',
  [`${TEMPLATE}/test/conformance.test.ts`]: conformance,
  "apps/broker/README.md": "# broker\n",
  "apps/broker/src/bin.ts": PROGRAM,
  "apps/broker/src/main.ts": 'import { record } from "./flows/issue-credential.ts";\nrecord();\n',
  "apps/broker/src/flows/issue-credential.ts": 'export { record } from "../steps/record.ts";\n',
  "apps/broker/src/steps/result.ts":
    "/** A result. */\nexport type ResultOf<Step, Facts> = Facts & { step: Step };\n" +
    "/** Makes one. */\nexport const resultOf = <S, F>(step: S, facts: F): ResultOf<S, F> => ({ ...facts, step }) as ResultOf<S, F>;\n",
  "apps/broker/src/steps/record.ts":
    'import { resultOf, type ResultOf } from "./result.ts";\n/** Durable. */\nexport type Recorded = ResultOf<"record", object>;\n' +
    '/** Records. */\nexport const record = (): Recorded => resultOf("record", {});\n',
};

const ALPHA = "packages/audit-alpha";
const alphaSource = (text) => ({ [`${ALPHA}/src/index.ts`]: text });
const changed = (dir, more) => ({
  [`${dir}/package.json`]: json({ ...JSON.parse(clean[`${dir}/package.json`]), ...more }),
});
const lines = (count) => Array.from({ length: count }, (_, index) => `console.log(${index});`).join("\n");
const moduleOf = (count, part) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [part(index), lines(200)]));

/** Rule by rule, files laid over the clean tree so that this rule, and no other, is broken; undefined removes a file. */
export const breaking = {
  "foundation-dependencies": changed("packages/core", { dependencies: { "left-pad": "catalog:" } }),
  "plugin-peers": changed(ALPHA, {
    peerDependencies: { "@agentkeys/core": ">=0.1.0 <1.0.0" },
    dependencies: { "@agentkeys/log": "workspace:*" },
  }),
  "plugin-knows-no-plugin": changed(ALPHA, {
    peerDependencies: { "@agentkeys/core": ">=0.1.0 <1.0.0", "@agentkeys/auth-beta": ">=0.1.0" },
  }),
  "plugin-knows-no-broker": changed(ALPHA, { dependencies: { "@agentkeys/client": "workspace:*" } }),
  "broker-knows-no-plugin": {
    ...changed("apps/broker", {
      dependencies: { "@agentkeys/core": "workspace:*", "@agentkeys/auth-beta": "workspace:*" },
    }),
    "apps/broker/src/main.ts": 'const beta = await import("@agentkeys/auth-beta");\nconsole.log(beta);\n',
  },
  "library-knows-no-app": changed("packages/client", {
    dependencies: { "@agentkeys/core": "workspace:*", "@agentkeys/broker": "workspace:*" },
  }),
  "vendor-in-one-place": changed("packages/client", {
    dependencies: { "@agentkeys/core": "workspace:*", ethers: "catalog:" },
  }),
  "imports-are-declared": {
    "packages/client/src/index.ts": 'import pad from "left-pad";\n/** Asks. */\nexport const ask = pad;\n',
  },
  "exports-order": changed("packages/core", {
    exports: { ".": { types: "./dist/index.d.ts", import: "./dist/index.js" } },
  }),
  "has-no-side-effects": changed("packages/core", { sideEffects: true }),
  engines: changed("packages/core", { engines: { node: ">=20" } }),
  "published-with-provenance": changed("packages/core", { publishConfig: { access: "public" } }),
  license: changed("packages/core", { license: "MIT" }),
  "says-where-it-lives": changed("packages/core", { repository: { type: "git", directory: "packages/kernel" } }),
  "is-esm": changed("packages/core", { type: "commonjs" }),
  "plugin-keyword": changed(ALPHA, { keywords: ["audit"] }),
  "package-scripts": changed("packages/core", { scripts: { build: "tsup", typecheck: "tsc" } }),
  "template-manifest": {
    [`${TEMPLATE}/package.json`]: json(template({ devDependencies: { vitest: "^4.0.0" } })),
  },
  "root-scripts": { "tools/go.mjs": undefined },
  "versions-from-catalog": changed("packages/core", { dependencies: { "@noble/hashes": "^2.0.0" } }),
  "catalog-is-exact": { "pnpm-workspace.yaml": "catalog:\n  ethers: ^6.17.0\n  vitest: 5.1.1\n" },
  "plugin-reads-no-environment": alphaSource("export default process.env.HOME;\n"),
  "plugin-prints-nothing": alphaSource('export default () => console.warn("late");\n'),
  "plugin-asks-its-host": alphaSource("export default () => new Date();\n"),
  "plugin-reaches-no-world": alphaSource('import { readFile } from "node:fs/promises";\nexport default readFile;\n'),
  "plugin-keeps-no-module-state": alphaSource("const seen = new Map();\nexport default seen;\n"),
  "plugin-readme": { [`${ALPHA}/README.md`]: README.replace("## What it needs\n", "") },
  readme: { "packages/client/README.md": undefined },
  "plugin-shows-conformance": { [`${TEMPLATE}/README.md`]: README.replace(/<!--.*-->/, "All hold.") },
  "plugin-conforms": { [`${ALPHA}/test/conformance.test.ts`]: undefined },
  "program-is-there": { "apps/broker/src/bin.ts": undefined },
  "program-starts-bare": {
    "apps/broker/src/bin.ts": `${PROGRAM}import "./more.ts";\n`,
    "apps/broker/src/more.ts": 'import { fact } from "@agentkeys/core";\nconsole.log(fact);\n',
  },
  "program-names-its-node": { "apps/broker/src/bin.ts": '#!/usr/bin/env node\nawait import("./main.ts");\n' },
  "result-by-its-own-step": {
    "apps/broker/src/flows/issue-credential.ts":
      'import { resultOf } from "../steps/result.ts";\n/** Forges. */\nexport const record = () => resultOf("record", {});\n',
  },
  "result-is-not-asserted": {
    "apps/broker/src/main.ts": 'import type { Recorded } from "./steps/record.ts";\nconsole.log({} as Recorded);\n',
  },
  "step-knows-no-outside": {
    "apps/broker/src/steps/issue.ts": 'import { route } from "../http/route.ts";\nconsole.log(route);\n',
  },
  "step-size": { "apps/broker/src/steps/issue.ts": lines(251) },
  "flow-size": { "apps/broker/src/flows/sign-in.ts": lines(81) },
  "kebab-case": { "packages/client/src/askBroker.ts": "/** Asks. */\nexport const ask = 1;\n" },
  "one-idea-a-file": { "packages/client/test/ask.test.ts": lines(301) },
  "package-size": moduleOf(5, (index) => `packages/core/src/part-${index}.ts`),
  "plain-type-names": { "packages/client/src/ask.ts": "/** Asks. */\nexport interface SessionManager {}\n" },
  "exported-is-documented": { "packages/client/src/ask.ts": "/* Asks. */\nexport const ask = 1;\n" },
  "every-test-runs": { "packages/client/test/ask.test.ts": 'it.skip("asks", () => {});\n' },
  "nothing-left-for-later": { "docs/start.md": `${["TO", "DO"].join("")}: write\n` },
  "no-machine-in-the-tree": { "docs/start.md": `cd ${["", "home", "ann", "agentkeys"].join("/")}\n` },
  "no-silenced-check": { "packages/client/src/ask.ts": `// @${["ts", "ignore"].join("-")}\nconsole.log(1);\n` },
};

/** The clean tree with `changes` laid over it. */
export function treeWith(changes) {
  return Object.fromEntries(Object.entries({ ...clean, ...changes }).filter(([, text]) => text !== undefined));
}
