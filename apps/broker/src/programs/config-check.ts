import { loadPlugins } from "../boot/compose.ts";
import type { BrokerConfig } from "../boot/read-config.ts";
import { namesOtherPlace, rehearse } from "../boot/rehearse.ts";
import { assertServableRights } from "../boot/servable-rights.ts";
import type { Tell } from "./recover.ts";

/**
 * `config check`: loads every plug-in, lets each check its section, and asks the issuers whether they could ever serve the rights of
 * the file. Throws what a start would throw for these.
 */
export async function checkConfig(config: BrokerConfig, tell: Tell): Promise<void> {
  const loaded = await loadPlugins(config);
  const issuers = loaded.filter(({ selected }) => selected.kind === "issuer");
  const within = issuers.filter(({ selected }) => !namesOtherPlace(selected.settings));
  await rehearse(config, within, async (opened) => {
    assertServableRights(config, new Map(opened.flatMap((one) => ("parts" in one ? [...one.parts.issuers] : []))));
    // Its secrets may be elsewhere: where the file is checked need not be where the broker runs.
    for (const { selected, ...rest } of opened)
      if ("fault" in rest)
        tell(`issuer.${selected.name}: its rights are looked at when the broker starts; here, ${reasonOf(rest.fault)}`);
  });
  for (const { selected, version } of loaded)
    tell(`${selected.kind}.${selected.name}: ${selected.specifier} ${version}`);
  tell("the configuration is good");
}

const reasonOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));
