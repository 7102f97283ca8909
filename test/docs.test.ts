// What the documents say, held against what is built.
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claim, freePort, grant, openBroker } from "../apps/broker/test/flows/harness.ts";
import { compose, loadPlugins } from "../apps/broker/src/boot/compose.ts";
import { readConfig } from "../apps/broker/src/boot/read-config.ts";
import { createApp } from "../apps/broker/src/http/app.ts";
import { createLogger } from "../apps/broker/src/ops/logger.ts";
import { errorRegistry } from "../packages/core/src/error-registry.ts";
import { errorsPage } from "../tools/generate-errors.mjs";

const root = join(import.meta.dirname, "..");
const pages = globSync(
  ["*.md", "docs/**/*.md", "{apps,packages}/*/README.md"].map((pattern) => join(root, pattern)),
).toSorted();
const read = (page: string): string => readFileSync(join(root, page), "utf8");
const shortName = (page: string): string => page.slice(root.length + 1);

/** The fenced blocks of a language. */
function blocksOf(page: string, language: string): string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, "gmu");
  return [...page.matchAll(fence)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gmu"), ""),
  );
}

/** GitHub's anchors of the headings of a page, and those set by hand. */
function anchorsOf(page: string): Set<string> {
  const headings = [...page.matchAll(/^#+ (.+)$/gmu)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set(headings);
}

// Beside the broker's own packages, so that plug-ins resolve as they do from an operator's folder.
let folder: string;
beforeAll(() => {
  const parent = join(root, "apps/broker/.agentkeys-test");
  mkdirSync(parent, { recursive: true });
  folder = mkdtempSync(join(parent, "docs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("every TOML block", () => {
  const blocks = pages.flatMap((page) =>
    blocksOf(readFileSync(page, "utf8"), "toml").map((block, at) => ({ page: shortName(page), at, block })),
  );

  it("is found where operators look", () => {
    expect(blocks.filter(({ page }) => page === "docs/operate/configuration.md").length).toBeGreaterThan(2);
  });

  it.each(blocks)("$page block $at is a configuration whose every plug-in takes its settings", async ({ block }) => {
    const file = join(folder, "agentkeys.toml");
    writeFileSync(file, complete(block));
    const config = readConfig(file);
    // A plug-in of others, as in the page for their authors, is not installed here.
    const plugins = config.plugins.filter(({ specifier }) => specifier.startsWith("@agentkeys/"));
    expect((await loadPlugins({ ...config, plugins })).length).toBe(plugins.length);
  });
});

/** A README shows the section of one plug-in alone; the table that selects it is added. */
function complete(block: string): string {
  const isSection = /^\[auth\.email\]/mu.test(block) && !/^\[auth\]/mu.test(block);
  return isSection ? `[auth]\nmethods = ["email"]\n${block}` : block;
}

describe("the generated pages", () => {
  it("list the errors of the registry as they are", () => {
    expect(read("docs/build/errors.md"), "run node tools/generate-errors.mjs").toBe(errorsPage());
  });
});

describe("docs/operate/troubleshooting.md", () => {
  const named = new Set(read("docs/operate/troubleshooting.md").match(/\bERR_[A-Z_]+\b/gu));

  it("has every code on which an operator has to act, or a plug-in's author", () => {
    const wanted = Object.entries(errorRegistry).filter(([, { fault }]) => fault === "operator" || fault === "plugin");
    expect(wanted.length).toBeGreaterThan(15);
    expect(wanted.map(([code]) => code).filter((code) => !named.has(code))).toEqual([]);
  });

  it("has no code that nothing tells", () => {
    expect([...named].filter((code) => !Object.hasOwn(errorRegistry, code))).toEqual([]);
  });
});

describe("docs/README.md", () => {
  it("leads to every page of docs/operate", () => {
    const index = read("docs/README.md");
    const own = globSync("*.md", { cwd: join(root, "docs/operate") });
    expect(own.filter((page) => !index.includes(`(operate/${page})`))).toEqual([]);
  });
});

describe("docs/build/http.md", () => {
  it("has every route of the broker and no other", async () => {
    const place = join(folder, "routes");
    const config = { ...readConfig(undefined), dataDirectory: place, highWaterDirectory: `${place}.high-water` };
    const logger = createLogger(() => undefined, Date.now);
    const { broker, close } = await compose(config, logger, () => undefined);
    try {
      const { routes } = createApp(broker, new Set());
      const served = routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
      const written = [...read("docs/build/http.md").matchAll(/^\| `([A-Z]+ \/[^`]*)`/gmu)].map(([, route]) => route);
      expect(new Set(written)).toEqual(new Set(served));
    } finally {
      await close();
    }
  });
});

describe("docs/operate/readiness.md", () => {
  it("has an anchor for every plug-in that /readyz may link to", () => {
    const anchors = anchorsOf(read("docs/operate/readiness.md"));
    const plugins = globSync("{auth,wallet,audit,issuer}-*", { cwd: join(root, "packages") });
    expect(plugins.length).toBeGreaterThan(5);
    expect(plugins.filter((name) => !anchors.has(name))).toEqual([]);
  });
});

describe("links between pages", () => {
  it.each(pages.map((page) => ({ page: shortName(page) })))("of $page lead somewhere", ({ page }) => {
    const found = [...read(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/gu)].map(([, target = ""]) => target);
    const broken = found.filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file: string = path === "" ? page : join(dirname(page), path);
      const leads: boolean = existsSync(join(root, file));
      return !leads || (anchor !== undefined && file.endsWith(".md") && !anchorsOf(read(file)).has(anchor));
    });
    expect(broken).toEqual([]);
  });
});

describe("docs/build/client.md", () => {
  it("shows an agent that pairs in its first run and gets a credential in its second", async () => {
    const broker = await openBroker("", await freePort());
    try {
      const { caller: person } = await claim(broker);
      const [program = ""] = blocksOf(read("docs/build/client.md"), "js");
      writeFileSync(join(broker.folder, "agent.mjs"), program);
      const run = () =>
        spawn(process.execPath, ["--conditions=agentkeys-source", "agent.mjs", broker.url], {
          cwd: broker.folder,
          stdio: ["ignore", "pipe", "inherit"],
        });

      const pairing = run();
      const [line] = (await once(createInterface({ input: pairing.stdout }), "line")) as [string];
      const userCode = /approve (\S+)/u.exec(line)?.[1];
      const approved = await person.call("POST", "/v1/pairings/approve", { user_code: userCode });
      expect(approved.status).toBe(201);
      expect(await once(pairing, "exit")).toEqual([0, null]);

      expect((await grant(person, String(approved.body["id"]))).status).toBe(201);
      const asking = run();
      const [said] = await Promise.all([text(asking.stdout), once(asking, "exit")]);
      expect(said).toMatch(/^credential jti_\S+ of \d+ characters until /u);
      expect(existsSync(join(broker.folder, "receipt.json"))).toBe(true);
    } finally {
      await broker.close();
    }
  });
});

describe("the page of others' failures", () => {
  const rows = [...read("docs/trust/named-failures.md").matchAll(/\| `([^`]+)`: “([^”]+)” +\|$/gmu)];
  it("names a test for each", () => {
    expect(rows.length).toBeGreaterThan(40);
  });
  it.each(rows.map(([, file = "", title = ""]) => [title, file] as const))("finds “%s” in %s", (title, file) => {
    expect(read(file)).toContain(`"${title}"`);
  });
});
