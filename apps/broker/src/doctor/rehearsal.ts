import type { Readiness } from "@agentkeys/core";
import type { PluginParts } from "../boot/compose.ts";
import { sectionOf } from "../boot/find-plugin.ts";
import type { LoadedPlugin } from "../boot/load-plugin.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import { namesOtherPlace, rehearse, type Opened } from "../boot/rehearse.ts";
import { reasonOf, type Finding } from "./finding.ts";
import { describeReadiness } from "./network.ts";

/** Where no broker runs: opens each plug-in but the log on an empty folder, and asks whether it is ready. */
export async function checkByRehearsal(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
): Promise<readonly Finding[]> {
  const plugins = loaded.filter(({ selected }) => selected.needs !== "log");
  const within = plugins.filter(({ selected }) => !namesOtherPlace(selected.settings));
  const apart = plugins.filter((one) => !within.includes(one)).map(({ selected }) => notTried(sectionOf(selected)));
  try {
    const ask = (opened: readonly Opened[]): Promise<readonly Finding[]> =>
      Promise.all(opened.map((one) => askOpened(config, one)));
    return [...(await rehearse(config, within, ask)), ...apart];
  } catch (error) {
    const next = "start the broker and ask again";
    return [{ check: "plug-ins", status: "warn", found: `they were not tried: ${reasonOf(error)}`, next }];
  }
}

function notTried(check: string): Finding {
  const found = "it was not tried: its section names a place outside of data_dir";
  return { check, status: "warn", found, next: "start the broker and ask again" };
}

async function askOpened(config: BrokerConfig, one: Opened): Promise<Finding> {
  const { kind, name } = one.selected;
  const docs = `docs/operate/readiness.md#${kind}-${name}`;
  if ("fault" in one)
    return describeReadiness(config, { kind, name, docs, status: "unready", reason: reasonOf(one.fault) });
  const given = await readyOf(one.parts).catch((error: unknown): Readiness => ({
    status: "unready",
    reason: reasonOf(error),
  }));
  return describeReadiness(config, { kind, name, docs, ...given });
}

async function readyOf({ auth, wallet, anchors, issuers }: PluginParts): Promise<Readiness> {
  const [one] = [...auth.values(), ...issuers.values(), ...anchors, wallet].filter((part) => part !== undefined);
  if (one === undefined) throw new Error("it has no part in the broker");
  return one.ready("doctor");
}
