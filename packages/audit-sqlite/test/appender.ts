// A process that appends until it is stopped, and says what was acknowledged: `{id, index, receipt}`, a line each. With a third
// argument it makes that many new keys meanwhile, and says each: `{vkey}`.
import { randomBytes } from "node:crypto";
import plugin from "../src/index.ts";
import { newRecordId, type PluginHost } from "@agentkeys/core";

const [folder = "", callers = "16", rotations = "0"] = process.argv.slice(2);
const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const host = {
  publicUrl: "https://keys.example",
  dataDirectory: folder,
  now: () => Date.now(),
  random: (size: number) => randomBytes(size),
  log: (level: string, event: string) => say({ level, event }),
} as unknown as PluginHost;
const patience = Number(process.env["AGENTKEYS_TEST_DEADLINE"] ?? 60_000);
const makeCall = () => ({ requestId: "r", signal: AbortSignal.timeout(patience), deadline: Date.now() + patience });
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

try {
  const log = await plugin.create({ file: "log.db" }, host);
  let isFailed = false;
  const append = async (): Promise<void> => {
    while (!isFailed) {
      const id = newRecordId(Date.now(), randomBytes(10));
      const event = { id, time: Date.now(), type: 1000, outcome: 1, agent: "agt_1", body: { filler: "x".repeat(500) } };
      try {
        for (const position of await log.append([event], makeCall())) say({ id, ...position });
      } catch (error) {
        isFailed = true;
        say({ failed: codeOf(error), id });
      }
    }
  };
  const rotate = async (): Promise<void> => {
    for (let made = 0; made < Number(rotations); made++) say({ vkey: await log.upkeep.rotateKey(makeCall()) });
  };
  await Promise.all([rotate(), ...Array.from({ length: Number(callers) }, append)]);
  await log.append([], makeCall()).catch((error: unknown) => say({ afterwards: codeOf(error) }));
  say({ ready: await log.ready(makeCall()) });
  await log.close();
} catch (error) {
  say({ refused: codeOf(error) });
}
