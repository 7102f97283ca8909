// From the start of a new broker's process to `ready`, and its memory when it has nothing to do.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { prepareBroker } from "./broker.mjs";
import { cpuSeconds, residentMegabytes } from "./children.mjs";
import { median, mostRow } from "./rows.mjs";

const boots = 5;
const idleFor = 2000;

/**
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 */
export async function benchBoot(children, folder) {
  const times = [];
  const efforts = [];
  const sizes = [];
  for (let boot = 0; boot < boots; boot++) {
    const { start } = await prepareBroker(join(folder, `boot-${boot}`));
    const { child, pid, milliseconds } = await children.start(.../** @type {[string, string[]]} */ (start));
    efforts.push(cpuSeconds(pid) * 1000);
    times.push(milliseconds);
    await sleep(idleFor);
    sizes.push(residentMegabytes(pid));
    await children.stop(child);
  }
  return [
    mostRow("broker, cold start to ready", "ms", median(times), 500),
    mostRow("broker, CPU until ready", "ms", median(efforts)),
    mostRow("broker, idle RSS", "MB", median(sizes), 120),
  ];
}
