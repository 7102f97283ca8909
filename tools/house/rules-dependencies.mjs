// Direction of dependencies: what may know what.
import { pluginsOf } from "./source.mjs";
import { FOUNDATIONS, VENDORS } from "./tables.mjs";

/** What is installed with a package: not what its tests use. */
const installed = (manifest) => [
  ...Object.keys(manifest.dependencies ?? {}),
  ...Object.keys(manifest.peerDependencies ?? {}),
  ...Object.keys(manifest.optionalDependencies ?? {}),
];

/** `@agentkeys/log/tree` and `node:fs/promises` by the package they are part of. */
const packageNamed = (specifier) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

/** Everything a package takes in: by its manifest and by its sources. */
function* takenIn({ dir, manifest, sources }) {
  for (const name of installed(manifest)) yield { where: `${dir}/package.json`, name };
  for (const source of sources) {
    for (const { specifier } of source.imports) yield { where: source.path, name: packageNamed(specifier) };
  }
}

const pluginNames = (tree) => new Set(pluginsOf(tree).map(({ manifest }) => manifest.name));

export const dependencyRules = [
  {
    name: "foundation-dependencies",
    states: "core and log depend on a few small audited packages and on nothing else",
    *check(tree) {
      for (const { dir, manifest } of tree.packages) {
        const allowed = FOUNDATIONS[dir] ?? installed(manifest);
        for (const name of installed(manifest)) {
          if (!allowed.includes(name)) yield { where: `${dir}/package.json`, what: `${dir} may not depend on ${name}` };
        }
      }
    },
  },
  {
    name: "plugin-peers",
    states: "a plug-in has core, and log where it uses it, as peer dependencies, so that an install holds one copy",
    *check(tree) {
      for (const { dir, manifest } of pluginsOf(tree)) {
        const where = `${dir}/package.json`;
        if (manifest.peerDependencies?.["@agentkeys/core"] === undefined) {
          yield { where, what: "@agentkeys/core is not a peer dependency" };
        }
        for (const name of ["@agentkeys/core", "@agentkeys/log"]) {
          if (manifest.dependencies?.[name] !== undefined) yield { where, what: `${name} is a dependency, not a peer` };
        }
      }
    },
  },
  {
    name: "plugin-knows-no-plugin",
    states: "no plug-in depends on or imports another plug-in",
    *check(tree) {
      const plugins = pluginNames(tree);
      for (const item of pluginsOf(tree)) {
        for (const { where, name } of takenIn(item)) {
          if (plugins.has(name) && name !== item.manifest.name) yield { where, what: `${name} is another plug-in` };
        }
      }
    },
  },
  {
    name: "plugin-knows-no-broker",
    states: "a plug-in knows core and log, never the broker, the CLI, the client or the verifier",
    *check(tree) {
      for (const item of pluginsOf(tree)) {
        const known = ["@agentkeys/core", "@agentkeys/log", item.manifest.name, ...pluginNames(tree)];
        for (const { where, name } of takenIn(item)) {
          if (name.startsWith("@agentkeys/") && !known.includes(name))
            yield { where, what: `a plug-in may not use ${name}` };
        }
      }
    },
  },
  {
    name: "broker-knows-no-plugin",
    states: "the broker has no plug-in in its dependencies and none in an import: it loads them by name",
    *check(tree) {
      const plugins = pluginNames(tree);
      for (const item of tree.packages.filter(({ dir }) => dir === "apps/broker")) {
        for (const { where, name } of takenIn(item)) {
          if (plugins.has(name)) yield { where, what: `the broker names the plug-in ${name}` };
        }
      }
    },
  },
  {
    name: "library-knows-no-app",
    states: "nothing under packages/ depends on or imports an app",
    *check(tree) {
      const apps = new Set(
        tree.packages.filter(({ dir }) => dir.startsWith("apps/")).map(({ manifest }) => manifest.name),
      );
      // A plug-in has a stricter rule of its own.
      for (const item of tree.packages.filter(({ dir, kind }) => dir.startsWith("packages/") && !kind)) {
        for (const { where, name } of takenIn(item)) {
          if (apps.has(name)) yield { where, what: `${name} is an app` };
        }
      }
    },
  },
  {
    name: "vendor-in-one-place",
    states: "a vendor's code is used by the packages its row names and by no other",
    *check(tree) {
      const vendorOf = (name) =>
        VENDORS.find(({ code }) => (code.endsWith("/") ? name.startsWith(code) : name === code));
      for (const item of [...tree.packages, ...tree.templates].filter(({ dir }) => FOUNDATIONS[dir] === undefined)) {
        for (const { where, name } of takenIn(item)) {
          const vendor = vendorOf(name);
          if (vendor !== undefined && !vendor.only.includes(item.dir)) {
            yield { where, what: `${name} belongs to ${vendor.only.join(", ")}` };
          }
        }
      }
    },
  },
  {
    name: "imports-are-declared",
    states: "a package declares what its sources import, so that it works where it is installed alone",
    *check(tree) {
      for (const { dir, manifest, sources } of [...tree.packages, ...tree.templates]) {
        const declared = new Set([manifest.name, ...installed(manifest)]);
        for (const source of sources) {
          for (const { specifier } of source.imports) {
            const name = packageNamed(specifier);
            if (specifier.startsWith(".") || specifier.startsWith("node:") || declared.has(name)) continue;
            yield { where: source.path, what: `${name} is not in the dependencies of ${dir}` };
          }
        }
      }
    },
  },
];
