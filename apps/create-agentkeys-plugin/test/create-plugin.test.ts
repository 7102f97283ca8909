import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPlugin, findNameFault, findScopeFault, type Kind, kinds } from "../src/index.ts";
import { parseOptions } from "../src/options.ts";

const templates = join(import.meta.dirname, "../../../templates");

let place: string;
beforeEach(() => void (place = mkdtempSync(join(tmpdir(), "agentkeys-create-"))));
afterEach(() => rmSync(place, { recursive: true }));

const make = (kind: Kind, scope = "@corp"): string => {
  const folder = join(place, "made");
  createPlugin({ kind, name: "badge", scope, folder }, templates);
  return folder;
};
const read = (folder: string, file: string): string => readFileSync(join(folder, file), "utf8");

describe("a plug-in that is made", () => {
  it.each(Object.keys(kinds) as Kind[])("of kind %s has its own name in package, code and README", (kind) => {
    const folder = make(kind);
    expect(JSON.parse(read(folder, "package.json"))).toMatchObject({ name: `@corp/agentkeys-${kind}-badge` });
    expect(read(folder, "src/index.ts")).toContain('name: "badge"');
    expect(read(folder, "README.md")).toContain(`[${kind}.badge]\nplugin = "@corp/agentkeys-${kind}-badge"`);
  });
  it("has a package without a scope where none is given", () => {
    expect(JSON.parse(read(make("auth", ""), "package.json"))).toMatchObject({ name: "agentkeys-auth-badge" });
  });
  it("takes no word of a given name for one to be replaced", () => {
    createPlugin({ kind: "auth", name: "template", scope: "@template", folder: join(place, "odd") }, templates);
    expect(read(join(place, "odd"), "package.json")).toContain('"@template/agentkeys-auth-template"');
  });
  it("leaves what is there as it is", () => {
    mkdirSync(join(place, "made"));
    writeFileSync(join(place, "made/package.json"), "mine");
    expect(() => make("auth")).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(read(join(place, "made"), "package.json")).toBe("mine");
  });
  it("leaves nothing where it could not be made whole", () => {
    const folder = join(place, "half");
    expect(() => createPlugin({ kind: "auth", name: "badge", scope: "", folder }, join(place, "nowhere"))).toThrow();
    expect(readdirSync(place)).toEqual([]);
  });
});

describe("a name and a scope", () => {
  it.each(["badge", "a", "smart-card-2", "a".repeat(32)])("may be %s", (name) => {
    expect(findNameFault(name)).toBeUndefined();
    expect(findScopeFault(`@${name}`)).toBeUndefined();
  });
  it.each(["", "Badge", "2fa", "a_b", "a--b", "-a", "a-", "a/b", "../a", 'a"', "a".repeat(33)])("is not %j", (name) => {
    expect(findNameFault(name)).toContain("lower-case");
  });
  it.each(["acme", "@", "@Acme", "@a/b", "@a b", "@.."])("a scope is not %j", (scope) => {
    expect(findScopeFault(scope)).toContain("a scope is");
  });
});

describe("a command line", () => {
  it("says kind, name, scope and folder, in any order", () => {
    const args = ["there", "--yes", "--scope", "@acme", "--name=badge", "--kind", "auth"];
    expect(parseOptions(args)).toMatchObject({ kind: "auth", name: "badge", scope: "@acme", folder: "there" });
  });
  it.each([["--kind", "authn"], ["--name", "B"], ["--scope", "acme"], ["--colour"], ["one", "two"], ["--kind"]])(
    "with %s %s is called wrongly",
    (...args) => {
      expect(() => parseOptions(args.filter((one) => one !== undefined))).toThrow();
    },
  );
});
