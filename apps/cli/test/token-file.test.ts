import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problem } from "../../../packages/client/test/test-broker.ts";
import { serveAwsCredentials, serveCredentials } from "./minting.ts";
import { start, type Running } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const resource = "https://sts.example.com";

async function startKeeping(...more: readonly string[]): Promise<Running & { readonly out: string }> {
  await person.home.pair("report");
  const out = join(person.home.folder.path, "token");
  const args = ["token-file", "--agent", "report", "--resource", resource, "--out", out];
  return { ...start([...args, ...more], { AGENTKEYS_HOME: person.home.path }), out };
}

const isToken = /^[\w-]+\.[\w-]+\.[\w-]+$/u;
const expiryOf = (token: string): number => JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()).exp;

describe("token-file", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("keeps a private file until %s", async (signal) => {
    serveCredentials(person.broker);
    const keeping = await startKeeping();
    await keeping.until(/is kept fresh until this ends/u);
    // An SDK sends all that is in it.
    expect(readFileSync(keeping.out, "utf8")).toMatch(isToken);
    expect((statSync(keeping.out).mode & 0o777).toString(8)).toBe("600");
    keeping.child.kill(signal);
    expect(await keeping.ended).toMatchObject({ code: 0, stdout: "" });
    expect(existsSync(keeping.out)).toBe(false);
    expect(readdirSync(join(person.home.path, "receipts"))).toHaveLength(1);
  });

  it("says with --json where it is", async () => {
    serveCredentials(person.broker);
    const keeping = await startKeeping("--json");
    const [line] = await keeping.until(/\{.*\}/u);
    expect(JSON.parse(line)).toEqual({ event: "kept", file: keeping.out });
    keeping.child.kill();
    await keeping.ended;
  });

  it("replaces the token before it expires, never by half a file, each with its receipt", async () => {
    serveCredentials(person.broker, 6);
    // The command looks at the file without a pause while tokens come and go.
    const look = `const { readFileSync } = require("node:fs"); const seen = new Set(); let late = 0;
const until = Date.now() + 10_000; const path = process.argv[1];
const look = () => { for (let count = 0; count < 50; count++) seen.add(readFileSync(path, "utf8"));
if (Date.now() < until) setTimeout(look, 1); else console.log(JSON.stringify([...seen])); }; look();`;
    const out = join(person.home.folder.path, "token");
    const keeping = await startKeeping("--", process.execPath, "--eval", look, out);
    const { code, stdout, stderr } = await keeping.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const tokens: string[] = JSON.parse(stdout);
    expect(tokens.length).toBeGreaterThanOrEqual(3);
    for (const token of tokens) expect(token).toMatch(isToken);
    const ends = tokens.map(expiryOf);
    for (const [at, end] of ends.entries()) expect(end - (ends[at - 1] ?? end)).toBeLessThan(6);
    expect(readdirSync(join(person.home.path, "receipts")).length).toBeGreaterThanOrEqual(tokens.length);
    expect(existsSync(out)).toBe(false);
  });

  it("ends as its command does, whose streams are its own", async () => {
    serveCredentials(person.broker);
    const keeping = await startKeeping(
      "--",
      "sh",
      "-c",
      "cat; test -s $0; exit 7",
      join(person.home.folder.path, "token"),
    );
    keeping.child.stdin.end("input");
    expect(await keeping.ended).toEqual({ code: 7, stdout: "input", stderr: "" });
    expect(existsSync(keeping.out)).toBe(false);
  });

  it("goes on where the broker is away for a while, and says so", async () => {
    serveCredentials(person.broker, 4);
    const route = person.broker.routes.get("POST /v1/credentials")!;
    let asks = 0;
    person.broker.routes.set("POST /v1/credentials", (received) =>
      ++asks === 2 ? problem(403, "ERR_GRANT_TTL") : route(received),
    );
    const keeping = await startKeeping();
    await keeping.until(/is kept fresh/u);
    const first = readFileSync(keeping.out, "utf8");
    await keeping.until(/ERR_GRANT_TTL/u);
    await expect.poll(() => readFileSync(keeping.out, "utf8"), { timeout: 15_000 }).not.toBe(first);
    keeping.child.kill();
    const { stderr } = await keeping.ended;
    expect(stderr.match(/ERR_GRANT_TTL/gu)).toHaveLength(1);
  });

  it("without a first token writes no file and runs nothing", async () => {
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_TTL", { detail: "at most 60 s" }));
    const began = join(person.home.folder.path, "began");
    const keeping = await startKeeping("--", "touch", began);
    const { code, stderr } = await keeping.ended;
    expect(code).toBe(1);
    expect(stderr.match(/ERR_GRANT_TTL: at most 60 s/gu)).toHaveLength(1);
    expect([existsSync(keeping.out), existsSync(began)]).toEqual([false, false]);
  });

  it("takes what is no token for none", async () => {
    serveAwsCredentials(person.broker);
    const { code, stderr } = await (await startKeeping("--issuer", "aws", "--action", "s3:GetObject")).ended;
    expect({ code, stderr }).toEqual({ code: 64, stderr: "agentkeys: issuer aws gives no token\n" });
  });

  it("leaves a file alone that another process has put there since", async () => {
    serveCredentials(person.broker);
    const keeping = await startKeeping();
    await keeping.until(/is kept fresh/u);
    writeFileSync(keeping.out, "of another");
    keeping.child.kill();
    await keeping.ended;
    expect(readFileSync(keeping.out, "utf8")).toBe("of another");
  });

  it("removes the file also where its last words can no longer be written", async () => {
    serveCredentials(person.broker, 4);
    const keeping = await startKeeping();
    await keeping.until(/is kept fresh/u);
    person.broker.routes.set("POST /v1/credentials", () => problem(403, "ERR_GRANT_TTL"));
    keeping.child.stderr.destroy();
    expect(await keeping.ended).toMatchObject({ code: 141 });
    expect(existsSync(keeping.out)).toBe(false);
  });
});
