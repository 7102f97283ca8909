// What a package.json says, and the catalog that every version comes from.
import { parse } from "yaml";

const OLDEST_NODE = ">=22.14";
const PEER_RANGE = ">=0.1.0 <1.0.0";
const LICENSE = "(MIT OR Apache-2.0)";
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const CONDITIONS = ["agentkeys-source", "types", "default"];

/** A rule that looks at one manifest at a time. */
const manifestRule = (name, states, broken) => ({
  name,
  states,
  *check(tree) {
    for (const item of tree.packages) {
      for (const what of broken(item)) yield { where: `${item.dir}/package.json`, what };
    }
  },
});

export const manifestRules = [
  manifestRule(
    "exports-order",
    'every entry of exports has the conditions "agentkeys-source", "types", "default" in that order, and never "import"',
    function* exportsInOrder({ manifest }) {
      for (const [entry, target] of Object.entries(manifest.exports ?? { ".": {} })) {
        if (entry === "./package.json" && target === "./package.json") continue;
        const found = typeof target === "string" ? "one path" : Object.keys(target).join(", ");
        if (found !== CONDITIONS.join(", ")) yield `exports["${entry}"] has ${found === "" ? "nothing" : found}`;
      }
    },
  ),
  manifestRule("has-no-side-effects", "sideEffects is false", function* hasNone({ manifest }) {
    if (manifest.sideEffects !== false) yield "sideEffects is not false";
  }),
  manifestRule("engines", `engines.node is ${OLDEST_NODE}`, function* engines({ manifest }) {
    if (manifest.engines?.node !== OLDEST_NODE) yield `engines.node is ${manifest.engines?.node}`;
  }),
  manifestRule(
    "published-with-provenance",
    "a package is published in public and with provenance",
    function* published({ manifest }) {
      if (manifest.private === true) yield "the package is private";
      if (manifest.publishConfig?.access !== "public") yield "publishConfig.access is not public";
      if (manifest.publishConfig?.provenance !== true) yield "publishConfig.provenance is not true";
    },
  ),
  manifestRule("license", `license is ${LICENSE}`, function* license({ manifest }) {
    if (manifest.license !== LICENSE) yield `license is ${manifest.license}`;
  }),
  manifestRule(
    "says-where-it-lives",
    "repository.directory is the package's folder, and its name is the folder's",
    function* lives({ dir, manifest }) {
      if (manifest.repository?.directory !== dir) yield `repository.directory is ${manifest.repository?.directory}`;
      const folder = dir.split("/")[1] ?? "";
      // `npm create x` runs `create-x`.
      const name = folder.startsWith("create-") ? folder : `@agentkeys/${folder}`;
      if (manifest.name !== name) yield `name is ${manifest.name}, not ${name}`;
    },
  ),
  manifestRule("is-esm", 'type is "module"', function* isEsm({ manifest }) {
    if (manifest.type !== "module") yield `type is ${manifest.type}`;
  }),
  manifestRule(
    "plugin-keyword",
    'a plug-in has the keyword "agentkeys-plugin", by which people find it',
    function* keyword({ kind, manifest }) {
      if (kind !== undefined && !(manifest.keywords ?? []).includes("agentkeys-plugin")) yield "the keyword is missing";
    },
  ),
  manifestRule("package-scripts", "a package builds with tsc and checks its types", function* scripts({ manifest }) {
    for (const script of ["build", "typecheck"]) {
      if (!/^tsc\b/.test(manifest.scripts?.[script] ?? "")) yield `scripts.${script} does not run tsc`;
    }
  }),
  {
    name: "template-manifest",
    states:
      "a template is a package as its author would publish it: the placeholder names, types and default, core as a peer, tools as in the catalog",
    *check(tree) {
      const { catalog = {} } = parse(tree.files.get("pnpm-workspace.yaml") ?? "{}");
      for (const { dir, kind, manifest } of tree.templates) {
        const where = `${dir}/package.json`;
        if (manifest.name !== `@acme/agentkeys-${kind}-template`) yield { where, what: `name is ${manifest.name}` };
        if (!(manifest.keywords ?? []).includes("agentkeys-plugin")) yield { where, what: "the keyword is missing" };
        if (manifest.type !== "module" || manifest.engines?.node !== OLDEST_NODE)
          yield { where, what: `type or engines.node is not as ours` };
        for (const [entry, target] of Object.entries(manifest.exports ?? { ".": {} })) {
          if (entry !== "./package.json" && Object.keys(target).join() !== "types,default")
            yield { where, what: `exports["${entry}"] has not just types and default` };
        }
        for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
          const wanted = name.startsWith("@agentkeys/") ? PEER_RANGE : `^${catalog[name]}`;
          if (version !== wanted) yield { where, what: `${name} is ${version}, not ${wanted}` };
        }
        for (const [name, version] of Object.entries(manifest.peerDependencies ?? {}))
          if (version !== PEER_RANGE) yield { where, what: `${name} is ${version}, not ${PEER_RANGE}` };
      }
    },
  },
  {
    name: "root-scripts",
    states: "each script of the root starts a file that is there",
    *check(tree) {
      const { scripts = {} } = JSON.parse(tree.files.get("package.json") ?? "{}");
      for (const name of ["start", "test", "check", "build", "bench"]) {
        const file = /^node (\S+)/.exec(scripts[name] ?? "")?.[1];
        if (file === undefined) yield { where: "package.json", what: `scripts.${name} is missing` };
        else if (!tree.files.has(file))
          yield { where: "package.json", what: `scripts.${name} starts ${file}, not there` };
      }
    },
  },
  {
    name: "versions-from-catalog",
    states: "a version is written once, in the catalog: a manifest says catalog: or workspace:*",
    *check(tree) {
      const root = { dir: ".", manifest: JSON.parse(tree.files.get("package.json") ?? "{}") };
      for (const { dir, manifest } of [root, ...tree.packages]) {
        for (const field of ["dependencies", "devDependencies", "optionalDependencies"]) {
          for (const [name, version] of Object.entries(manifest[field] ?? {})) {
            const wanted = name.startsWith("@agentkeys/") ? "workspace:*" : "catalog:";
            if (version !== wanted)
              yield { where: `${dir}/package.json`, what: `${name} is ${version}, not ${wanted}` };
          }
        }
      }
    },
  },
  {
    name: "catalog-is-exact",
    states: "the catalog pins exact versions",
    *check(tree) {
      const { catalog = {} } = parse(tree.files.get("pnpm-workspace.yaml") ?? "{}");
      for (const [name, version] of Object.entries(catalog)) {
        if (!EXACT.test(String(version))) yield { where: "pnpm-workspace.yaml", what: `${name} is ${version}` };
      }
    },
  },
];
