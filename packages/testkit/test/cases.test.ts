import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  anchorCases,
  authCases,
  hostStoreCases,
  issuerCases,
  logCases,
  pluginCases,
  walletCases,
} from "../src/index.ts";
import { listMutants } from "./mutants/list-mutants.ts";

const lists = { authCases, walletCases, logCases, anchorCases, issuerCases };
const own = Object.values(lists).flatMap((cases) => cases.filter(({ id }) => !id.startsWith("PLG-")));
const all = [...pluginCases, ...own, ...hostStoreCases];

describe("the cases", () => {
  it("each have an id of their own and a sentence of their own kind", () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { id, states } of all) {
      expect(id).toMatch(/^(PLG|AUTH|WAL|LOG|ANC|ISS|STO)-\d{2}$/u);
      expect(states).toMatch(/^[a-zA-Z0-9].{15,}[^.]$/u);
    }
  });
  it("are numbered from 01 on without a gap", () => {
    const numbers = new Map<string, number[]>();
    for (const { id } of all) {
      const [kind = "", number] = id.split("-");
      numbers.set(kind, [...(numbers.get(kind) ?? []), Number(number)]);
    }
    for (const found of numbers.values()) expect(found).toEqual(found.map((_, at) => at + 1));
  });
  it.each(Object.entries(lists))("of every plug-in are part of %s", (_name, cases) => {
    expect(cases.slice(0, pluginCases.length)).toEqual(pluginCases);
  });
  it.each(all.map(({ id }) => [id]))("%s has a mutant that it must reject", (id) => {
    expect(listMutants().filter(({ kills }) => kills === id)).not.toEqual([]);
  });
  it.each(Object.entries(lists))("of %s stand in the README from the first to the last", (_name, cases) => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    expect(readme).toContain(`${cases[pluginCases.length]!.id} … ${cases.at(-1)!.id}`);
    expect(readme).toContain(`${pluginCases[0]!.id} to ${pluginCases.at(-1)!.id}`);
  });
  it("are proven by at least 40 mutants, no two the same", () => {
    const mutants = listMutants().map(({ kills, flaw }) => `${kills} ${flaw}`);
    expect(mutants.length).toBeGreaterThanOrEqual(40);
    expect(new Set(mutants).size).toBe(mutants.length);
  });
  it("are named by every mutant", () => {
    const unknown = listMutants().filter(({ kills }) => !all.some(({ id }) => id === kills));
    expect(unknown).toEqual([]);
  });
});
