// What a plug-in is: code that asks its host for the world, prints nothing and remembers nothing.
import { nameOf, pluginsOf } from "./source.mjs";
import { HOST_LENDS, PARTS, README_HEADINGS, REACHES, WORLD } from "./tables.mjs";

const isProgram = (path) => PARTS.some(({ folder, is }) => is === "program" && path.startsWith(folder));

/** The sources of every plug-in, programs left out. */
function* pluginSources(tree) {
  for (const item of pluginsOf(tree)) {
    for (const source of item.sources) if (!isProgram(source.path)) yield { dir: item.dir, source };
  }
}

/** A rule that looks at one node of a plug-in's syntax tree at a time. */
const nodeRule = (name, states, broken) => ({
  name,
  states,
  *check(tree) {
    for (const { source } of pluginSources(tree)) {
      const said = new Set(source.nodes.map(broken).filter((what) => what !== undefined));
      for (const what of said) yield { where: source.path, what };
    }
  },
});

const COLLECTIONS = ["Map", "Set", "WeakMap", "WeakSet"];

/** Something that can be filled later: an empty collection or an empty array. */
const isFillable = (init) =>
  (init?.type === "NewExpression" && COLLECTIONS.includes(init.callee.name) && init.arguments.length === 0) ||
  (init?.type === "ArrayExpression" && init.elements.length === 0);

export const pluginRules = [
  nodeRule(
    "plugin-reads-no-environment",
    "a plug-in reads no environment variable: the host opens its secrets and its config",
    (node) => (["process.env", "process.argv", "import.meta.env"].includes(nameOf(node)) ? nameOf(node) : undefined),
  ),
  nodeRule("plugin-prints-nothing", "a plug-in prints nothing: it gives the host's log an event", (node) => {
    const name = node.type === "MemberExpression" ? (nameOf(node) ?? "") : "";
    return /^console\.\w+$|^process\.(stdout|stderr)$/.test(name) ? name : undefined;
  }),
  {
    name: "plugin-asks-its-host",
    states: "a plug-in takes time, randomness and the network from its host",
    *check(tree) {
      for (const { source } of pluginSources(tree)) {
        for (const node of source.nodes) {
          const lent = HOST_LENDS.find((row) => node.type === "CallExpression" && isCallOf(node, row.name));
          if (lent !== undefined) yield { where: source.path, what: `${lent.name}: ask ${lent.ask}` };
          if (node.type === "NewExpression" && nameOf(node.callee) === "Date" && node.arguments.length === 0) {
            yield { where: source.path, what: "new Date(): ask host.clock" };
          }
        }
      }
    },
  },
  {
    name: "plugin-reaches-no-world",
    states: "a plug-in imports no module of files, sockets, threads or processes but those its row gives a reason for",
    *check(tree) {
      for (const { dir, source } of pluginSources(tree)) {
        const allowed = REACHES.find((row) => row.dir === dir)?.modules ?? [];
        for (const { specifier, isType } of source.imports) {
          const module = specifier.replace(/^node:/, "").split("/")[0];
          if (isType || !WORLD.includes(module) || allowed.includes(module)) continue;
          yield { where: source.path, what: `imports ${specifier}` };
        }
      }
    },
  },
  {
    name: "plugin-keeps-no-module-state",
    states: "a plug-in keeps nothing between two instances: no variable and no empty collection at the top of a file",
    *check(tree) {
      for (const { source } of pluginSources(tree)) {
        for (const statement of source.program.body) {
          const declaration = statement.declaration ?? statement;
          if (declaration?.type !== "VariableDeclaration") continue;
          for (const { id, init } of declaration.declarations) {
            if (declaration.kind === "const" && !isFillable(init)) continue;
            yield { where: source.path, what: `${declaration.kind} ${id.name} outlives an instance` };
          }
        }
      }
    },
  },
  {
    name: "plugin-readme",
    states: `a plug-in's README has the headings ${README_HEADINGS.join(", ")}, in that order and no others`,
    *check(tree) {
      for (const { dir } of pluginsOf(tree)) {
        const text = tree.files.get(`${dir}/README.md`);
        if (text === undefined) continue;
        const headings = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^## (.+)$/gm)].map((match) => match[1]);
        if (headings.join("\n") !== README_HEADINGS.join("\n")) {
          yield { where: `${dir}/README.md`, what: `the headings are ${headings.join(", ") || "none"}` };
        }
        const configure = /^## Configure$([\s\S]*?)^## /m.exec(text)?.[1] ?? "";
        if (headings.includes("Configure") && !configure.includes("```toml")) {
          yield { where: `${dir}/README.md`, what: "Configure shows no toml" };
        }
      }
    },
  },
  {
    name: "readme",
    states: "every package has a README",
    *check(tree) {
      for (const { dir } of [...tree.packages, ...tree.templates]) {
        if (!tree.files.has(`${dir}/README.md`)) yield { where: dir, what: "README.md is missing" };
      }
    },
  },
  {
    name: "plugin-shows-conformance",
    states: "a plug-in's README shows what a run of the conformance kit found, as agentkeys-conformance wrote it",
    *check(tree) {
      for (const { dir } of pluginsOf(tree)) {
        const text = tree.files.get(`${dir}/README.md`) ?? "";
        if (/^## Conformance$/m.test(text) && !/^## Conformance\n\n<!-- Written by agentkeys-conformance/m.test(text))
          yield { where: `${dir}/README.md`, what: "Conformance is not generated" };
      }
    },
  },
  {
    name: "plugin-conforms",
    states: "a plug-in runs its kind's conformance cases in test/conformance.test.ts",
    *check(tree) {
      for (const { dir } of pluginsOf(tree)) {
        const where = `${dir}/test/conformance.test.ts`;
        const text = tree.files.get(where);
        if (text === undefined) yield { where, what: "the file is missing" };
        else if (!text.includes('"@agentkeys/testkit"')) yield { where, what: "it does not use @agentkeys/testkit" };
      }
    },
  },
];

/** `randomBytes(…)` and `crypto.randomBytes(…)`, but not `host.random.bytes(…)` or `host.fetch(…)`. */
function isCallOf(call, name) {
  const called = nameOf(call.callee) ?? "";
  return called === name || /^(globalThis|crypto|webcrypto)\.(.+\.)?/.exec(called)?.[0].concat(name) === called;
}
