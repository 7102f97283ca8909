import { apiVersion, isPlugin, type Lifecycle, type Plugin, type Readiness } from "@agentkeys/core";
import type { ConformanceCase } from "./conformance.ts";
import { check, expectEnd, isSameJson } from "./expect.ts";
import { expectNoSecrets } from "./keeping-secrets.ts";
import { findLivingHandles, listOpenFiles, pause } from "./living-handles.ts";
import type { PluginFixture } from "./plugin-fixture.ts";
import { defineCase, parseConfig } from "./subject.ts";

const capabilities: Readonly<Record<string, readonly string[]>> = {
  auth: ["in_band", "out_of_band"],
  wallet: ["sign"],
  audit: ["log", "anchor"],
  issuer: ["local", "remote"],
};

const define = defineCase<PluginFixture, Lifecycle>;

/** The obligations of every kind of plug-in. They are part of each kind's list. */
export const pluginCases: readonly ConformanceCase<PluginFixture>[] = [
  define("PLG-01", "it declares kind, name, contract version and capabilities that core knows", async ({ fixture }) => {
    const plugin: Plugin = fixture.plugin;
    check(isPlugin(plugin) && Object.isFrozen(plugin), "the export is not what definePlugin gives");
    check(plugin.apiVersion === apiVersion, `the contract version is ${plugin.apiVersion}, not ${apiVersion}`);
    check(/^[a-z][a-z0-9-]{0,31}$/u.test(plugin.name), "the name is not short, lower-case and kebab-case");
    const known = capabilities[plugin.kind] ?? [];
    const declared: readonly string[] = plugin.capabilities;
    check(
      declared.every((one) => known.includes(one)),
      `it declares a capability that no ${plugin.kind} has`,
    );
    check(new Set(declared).size === declared.length, "it declares a capability twice");
    checkFacts(plugin);
  }),
  define("PLG-02", "an unknown key of the section is an error that names its path", async ({ fixture }) => {
    const key = "no_such_key";
    const tables = Object.entries(fixture.config).filter(
      ([, value]) => typeof value === "object" && value !== null && !Array.isArray(value),
    );
    const spoiled: [string, object][] = [
      [key, { ...fixture.config, [key]: 1 }],
      ...tables.map(([name, table]): [string, object] => [
        name,
        { ...fixture.config, [name]: { ...(table as object), [key]: 1 } },
      ]),
    ];
    for (const [place, section] of spoiled) {
      const { issues = [] } = await parseConfig(fixture, section);
      const isNamed = issues.some(({ path = [] }) => {
        const [first] = path;
        return String(typeof first === "object" ? first.key : first) === place;
      });
      check(isNamed, `an unknown key at ${place} gives no issue with that path`);
    }
  }),
  define("PLG-03", "what is no table is an error, not a crash, and parsing changes nothing", async ({ fixture }) => {
    for (const section of [null, undefined, 1, "x", true, [{}]]) {
      const { issues = [] } = await parseConfig(fixture, section);
      check(issues.length > 0, `the section ${JSON.stringify(section)} is taken`);
    }
    const section = structuredClone(fixture.config);
    await parseConfig(fixture, section);
    check(isSameJson(section, fixture.config), "parsing changes the section");
  }),
  define("PLG-04", "it is ready where all it needs is there, and says so in time", async ({ instance, call }) => {
    const readiness = await expectReadiness(instance.ready(call()), "ready");
    check(readiness.status === "ready", `it is ${JSON.stringify(readiness)}`);
  }),
  define("PLG-05", "a far side that is down makes it not ready, and is no exception", async (subject) => {
    const { fixture, instance, call } = subject;
    if (fixture.farSide === undefined) return;
    await fixture.farSide.down();
    const down = await expectReadiness(
      instance.ready(call({ timeout: 2000 })),
      "ready, while the far side is down,",
      4000,
    );
    check(down.status !== "ready" && down.reason !== "", "it says ready while the far side is down");
    await fixture.farSide.up();
    const up = await expectReadiness(instance.ready(call()), "ready, with the far side up again,");
    check(up.status === "ready", `it does not recover: ${JSON.stringify(up)}`);
  }),
  define("PLG-06", "a far side that hangs makes it not ready by the call's deadline", async (subject) => {
    const { fixture, instance, call } = subject;
    if (fixture.farSide === undefined) return;
    await fixture.farSide.hang();
    const hung = await expectReadiness(
      instance.ready(call({ timeout: 500 })),
      "ready, while the far side hangs,",
      2500,
    );
    check(hung.status !== "ready" && hung.reason !== "", "it says ready while the far side hangs");
  }),
  define("PLG-07", "closing is safe to do twice, and at once", async ({ instance }) => {
    const both = await expectEnd(Promise.all([instance.close(), instance.close()]), "close");
    check(both.status === "fulfilled", "closing twice at once is an error");
    const again = await expectEnd(instance.close(), "close");
    check(again.status === "fulfilled", "closing a closed instance is an error");
  }),
  define(
    "PLG-08",
    "after close no timer, socket or file of it lives, and it leaves the store alone",
    async (subject) => {
      const host = subject.makeHost();
      let uses = 0;
      const living = await findLivingHandles(async () => {
        const instance = await subject.open(host);
        await instance.ready(subject.call());
        await instance.close();
        uses = host.store.uses;
      });
      check(living.length === 0, `after close there are still: ${living.join(", ")}`);
      const files = listOpenFiles(host.dataDirectory);
      check(files.length === 0, `after close these files are still open: ${files.join(", ")}`);
      host.advance(86_400_000);
      await pause(50);
      check(host.store.uses === uses, "after close it still uses the store");
    },
  ),
  define("PLG-09", "two instances share nothing: closing one leaves the other ready", async (subject) => {
    const other = await subject.open(subject.makeHost({ seed: "another" }));
    await subject.instance.close();
    const readiness = await expectReadiness(other.ready(subject.call()), "ready");
    check(readiness.status === "ready", "closing one instance stops another");
  }),
  define("PLG-10", "no configured secret stands in a log line or in what ready says", async (subject) => {
    const { fixture, host, instance, call } = subject;
    const said: Readiness[] = [await instance.ready(call())];
    await fixture.farSide?.down();
    said.push(await instance.ready(call({ timeout: 2000 })));
    await instance.close();
    expectNoSecrets(Object.values(fixture.host?.secrets ?? {}), [...host.logs, ...said], "log lines and readiness");
  }),
];

function checkFacts(plugin: Plugin): void {
  const has = (capability: string): boolean => (plugin.capabilities as readonly string[]).includes(capability);
  const facts = plugin as { readonly identityTypes?: readonly string[]; readonly manifest?: object };
  if (plugin.kind === "auth") {
    const types = facts.identityTypes ?? [];
    check(has("in_band") || has("out_of_band"), "an auth method is in_band or out_of_band, or both");
    check(
      types.length > 0 && types.every((type) => /^[a-z][a-z0-9_]{0,31}$/u.test(type)),
      "identityTypes is not a list of types",
    );
  }
  if (plugin.kind !== "audit") return;
  check(has("log") !== has("anchor"), "an audit plug-in is a log or an anchor");
  if (has("log")) return;
  const { checks, offline, publishes, minIntervalMs } = (facts.manifest ?? {}) as Readonly<Record<string, unknown>>;
  check(checks === "append-only" || checks === "existence", "the manifest does not say what the far side checks");
  check(["full", "pinned-root", "none"].includes(String(offline)), "the manifest does not say what holds offline");
  check(Array.isArray(publishes) && publishes.length > 0, "the manifest does not say what leaves the house");
  check(
    Number.isSafeInteger(minIntervalMs) && Number(minIntervalMs) >= 0,
    "minIntervalMs is not in whole milliseconds",
  );
}

async function expectReadiness(work: Promise<Readiness>, what: string, milliseconds = 10_000): Promise<Readiness> {
  const ended = await expectEnd(work, what, milliseconds);
  check(ended.status === "fulfilled", `${what} threw`);
  const { value } = ended;
  const isKnown = value.status === "ready" || value.status === "degraded" || value.status === "unready";
  check(isKnown, "ready answers something else than ready, degraded or unready");
  return value;
}
