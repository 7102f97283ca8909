import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { sectionOf } from "../boot/find-plugin.ts";
import type { BrokerConfig, SelectedPlugin } from "../boot/read-config.ts";
import { namesOtherPlace } from "../boot/rehearse.ts";
import { readFileIfThere } from "../files/durable.ts";
import { checkpointOf } from "../ops/rewind.ts";
import { reasonOf, type Finding } from "./finding.ts";

/** The log of a stopped broker, by the files in its folder. It is not opened: that alone could change it. */
export function checkLogFiles({ dataDirectory }: BrokerConfig, log: SelectedPlugin): Finding {
  const check = sectionOf(log);
  if (namesOtherPlace(log.settings))
    return { check, status: "ok", found: `its section names a place outside of data_dir; ${comparison}` };
  const folder = join(dataDirectory, `${log.kind}-${log.name}`);
  if (!existsSync(folder)) return { check, status: "ok", found: `${folder} is made at the first start` };
  try {
    const sizes = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(folder, entry.name)).size);
    const mebibytes = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024 ** 2);
    return { check, status: "ok", found: `${sizes.length} files, ${mebibytes} MiB in ${folder}; ${comparison}` };
  } catch (error) {
    return { check, status: "fail", found: reasonOf(error), next: "ask as the user the broker runs as" };
  }
}

const comparison = "a start compares it with the high-water file";

/** The newest head that was seen, as it stands beside data_dir. While the broker runs, it watches over the file, and `/readyz` tells. */
export async function checkHighWater({ dataDirectory, highWaterDirectory }: BrokerConfig): Promise<Finding> {
  const check = "high-water file";
  const fail = (found: string): Finding => ({
    check,
    status: "fail",
    found,
    next: "see docs/operate/backup-and-recovery.md",
  });
  const hasData = existsSync(join(dataDirectory, "broker.db"));
  try {
    const note = await readFileIfThere(join(highWaterDirectory, "high-water"));
    if (note === undefined)
      return hasData
        ? fail("it is missing: a log that has records is not served without it")
        : { check, status: "ok", found: "it is made at the first start" };
    const { origin, size } = checkpointOf(note);
    const found = `${origin} at ${size} records`;
    return hasData ? { check, status: "ok", found } : fail(`${found}, and ${dataDirectory} has no data`);
  } catch (error) {
    return fail(reasonOf(error));
  }
}
