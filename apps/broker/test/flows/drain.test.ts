// The real program, stopped by signals: what is under way ends, nothing else begins, a second signal ends it at once.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { ask, claim, freePort, grant, pair, type Caller } from "./harness.ts";
import { install, modules } from "./install.ts";

// An issuer that takes as long as its scope says, in milliseconds.
install(
  "issuer-slow",
  `import { setTimeout } from "node:timers/promises";
export default { kind: "issuer", name: "slow", apiVersion: 1, capabilities: ["local"], config, async create() {
  return { ...life, parseScope: (text) => JSON.parse(text), identityToken: () => undefined,
    issue: async (order) => {
      await setTimeout(Number(order.scope.resources[0]));
      return { id: order.credentialId, type: "key", value: "slow but sure", expiresAt: order.expiresAt };
    } };
} };`,
);

const bin = join(import.meta.dirname, "../../src/bin.ts");
let child: ChildProcess | undefined;
let folder: string | undefined;
afterEach(() => {
  child?.kill("SIGKILL");
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** The program up, and an agent of it that may ask the slow issuer. */
async function run(): Promise<{ url: string; agent: Caller; program: ChildProcess; errors: () => string }> {
  folder = mkdtempSync(join(modules, "../../d-"));
  const port = await freePort();
  const file = join(folder, "agentkeys.toml");
  writeFileSync(
    file,
    `[broker]
listen = "127.0.0.1:${port}"
data_dir = "data"
[issuer]
names = ["slow"]
[issuer.slow]
plugin = "@acme/issuer-slow"
[[rights]]
who = { role = "operator" }
issuer = "slow"
scope = { actions = ["token"], resources = ["1500", "60000"] }
max_ttl = "1h"
`,
  );
  const program = spawn(process.execPath, ["--conditions=agentkeys-source", bin, "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = program;
  let errors = "";
  program.stderr.on("data", (part: Buffer) => {
    errors += part.toString();
  });
  const [line] = (await once(createInterface({ input: program.stdout }), "line")) as [string];
  expect(line).toBe(`ready http://127.0.0.1:${port}`);
  const url = `http://127.0.0.1:${port}`;
  const data = join(folder, "data");
  const broker = { url, claimCode: () => readFileSync(join(data, "claim-code"), "utf8").trim() };
  const { caller: person } = await claim(broker);
  const { agent, id } = await pair(broker, person);
  const scope = { actions: ["token"], resources: ["1500", "60000"] };
  expect((await grant(person, id, { issuer: "slow", scope })).status).toBe(201);
  return { url, agent, program, errors: () => errors };
}

const slow = (agent: Caller, milliseconds: string) =>
  ask(agent, { issuer: "slow", scope: { actions: ["token"], resources: [milliseconds] } });

test("SIGTERM: a credential under way is given out, all else is refused with a code, and the program ends with 0", async () => {
  const { url, agent, program, errors } = await run();
  const minting = slow(agent, "1500");
  await setTimeout(300);
  const ended = once(program, "exit");
  program.kill("SIGTERM");
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(503);
  const refused = await fetch(`${url}/v1/audit/lag`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("connection")).toBe("close");
  expect(await refused.json()).toMatchObject({ code: "ERR_REQUEST_SHUTTING_DOWN", retry: "later" });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(await minting).toMatchObject({ status: 200, body: { credential: { value: "slow but sure" } } });
  expect(await ended).toEqual([0, null]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
  expect(errors()).not.toContain('"level":"error"');
});

test("a second signal ends it at once, whatever is under way", async () => {
  const { agent, program } = await run();
  const minting = slow(agent, "60000").catch((error: unknown) => error);
  await setTimeout(300);
  const ended = once(program, "exit");
  program.kill("SIGTERM");
  await setTimeout(300);
  expect(program.exitCode).toBeNull();
  const askedAgainAt = performance.now();
  program.kill("SIGTERM");
  expect(await ended).toEqual([143, null]);
  expect(performance.now() - askedAgainAt).toBeLessThan(1000);
  expect(await minting).toBeInstanceOf(Error);
});
