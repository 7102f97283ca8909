import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { origin, second } from "./audits.ts";
import { MadeLog, serveLogs, started, type LogServer } from "./made-log.ts";
import { run, type Ended } from "./run-program.ts";

const token = "aud_2n5fk3v7q4x6y8z1b9c0d2e4f6";
const log = new MadeLog(origin).fill(600);
let folder: string;
let trust: string;
let tokenFile: string;
const servers: LogServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentkeys-audit-"));
  trust = save("trust.policy", log.policy());
  tokenFile = save("token", `${token}\n`);
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  rmSync(folder, { recursive: true });
});

function save(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;
async function serve(logs: readonly MadeLog[], answer?: Answer): Promise<string> {
  const server = await serveLogs(logs, token, answer);
  servers.push(server);
  return `${server.url}/${logs[0]?.id}`;
}
const audit = (url: string, ...more: string[]): Promise<Ended> => run(["audit", url, "--trust", trust, ...more]);

describe("agentkeys-verify audit", () => {
  it("ends with 0 for a sound log, with its entries by token and without, and says what is proven", async () => {
    const url = await serve([log]);
    const whole = await audit(url, "--token-file", tokenFile);
    expect(whole).toMatchObject({ code: 0, err: "" });
    expect(whole.out).toMatch(/^SIGNED\n\nProven:\n {2}log: keys\.example\.com/u);
    expect(whole.out).toContain("entries: 600 canonical records");
    const hashes = await audit(`${url}/`, "--json");
    expect(hashes.code).toBe(0);
    expect(JSON.parse(hashes.out)).toMatchObject({
      level: "SIGNED",
      met: true,
      facts: { log: origin, size: 600, note: log.head() },
      not_proven: expect.arrayContaining([expect.stringContaining("only their hashes were read")]),
    });
    expect((await audit(url, "--require", "witnessed")).code).toBe(10);
    expect((await audit(url, "--require", "anchored:2")).code).toBe(10);
  });

  it("sends the token for entries alone", async () => {
    const asked: string[] = [];
    const url = await serve([log], ({ url: path = "", headers }) => {
      if (headers.authorization !== undefined) asked.push(path);
      return false;
    });
    await audit(url, "--token-file", tokenFile);
    expect(asked).toHaveLength(3);
    expect(asked.filter((path) => !path.includes("/tile/entries/"))).toEqual([]);
  });

  it("keeps the newest head, and holds the log to it the next time: 22 for a rewind, 21 for a fork with a proof", async () => {
    const url = await serve([log]);
    const note = join(folder, "head.note");
    expect((await audit(url, "--keep", note)).code).toBe(0);
    expect(readFileSync(note, "utf8")).toBe(log.head());
    const again = await audit(url, "--since", note, "--keep", note);
    expect(again).toMatchObject({
      code: 0,
      out: expect.stringContaining("the head kept from before, over 600, unchanged"),
    });

    const rewound = new MadeLog(origin, log.signers).fill(500);
    const back = await audit(await serve([rewound]), "--since", note, "--keep", note, "--json");
    expect(back.code).toBe(22);
    expect(JSON.parse(back.out)).toMatchObject({ level: "REWOUND", met: false, notes: [log.head(), rewound.head()] });
    const shown = await audit(await serve([rewound]), "--since", note);
    for (const head of [log.head(), rewound.head()])
      expect(shown.out).toContain(head.trimEnd().replaceAll(/^/gmu, "  "));
    expect(readFileSync(note, "utf8")).toBe(log.head());

    const forked = new MadeLog(origin, log.signers).fill(300).add({ time: started }).fill(400);
    const proof = join(folder, "proof.json");
    const told = await audit(await serve([forked]), "--since", note, "--keep", note, "--proof", proof);
    expect(told).toMatchObject({
      code: 21,
      out: expect.stringMatching(/^FORKED: /u),
      err: expect.stringContaining(proof),
    });
    expect(readFileSync(note, "utf8")).toBe(log.head());
    expect((await run(["diff", proof, "--trust", trust])).code).toBe(21);
  });

  it("reads the epoch before from beside, and checks the link", async () => {
    const next = new MadeLog(second).add({ type: 52, body: { origin, size: 600, root: log.tree().root } }).fill(3);
    const url = await serve([next, log]);
    writeFileSync(trust, `${log.policy()}log ${next.vkeys[0]}\n`);
    const { code, out } = await audit(url, "--token-file", tokenFile, "--json");
    expect({ code, facts: JSON.parse(out).facts }).toMatchObject({
      code: 0,
      facts: { log: second, previous: { log: origin, size: 600, checked: true } },
    });
  });

  it("takes keys by epoch from anchors.toml beside the policy, and from where it is told", async () => {
    const url = await serve([log]);
    writeFileSync(trust, "quorum none\n");
    expect((await audit(url)).code).toBe(20);
    const epochs = `[[epoch]]\norigin = "${origin}"\nvkeys = ["${log.vkeys[0]}"]\n`;
    expect((await audit(url, "--anchors", save("other.toml", epochs))).code).toBe(0);
    save("anchors.toml", epochs);
    expect((await audit(url)).code).toBe(0);
    save("anchors.toml", `${epochs}x = 1\n`);
    expect(await audit(url)).toMatchObject({ code: 64, err: expect.stringContaining("line 4") });
  });

  it.each<[string, Answer, string]>([
    ["hangs", () => true, "no whole answer within 1 s"],
    [
      "hangs in the middle of a tile",
      (_, response) => response.writeHead(200).write("x"),
      "no whole answer within 1 s",
    ],
    ["redirects", (_, response) => isEnded(response, 302, "", { location: "https://example.com/" }), "redirect (302)"],
    ["answers too much", (_, response) => isEnded(response, 200, "x".repeat(8193)), "over 8192 bytes"],
    ["answers garbage", (_, response) => isEnded(response, 200, "<html>"), "is not 256 hashes"],
    ["fails", (_, response) => isEnded(response, 500, ""), "status 500"],
    ["closes the connection", ({ socket }) => isEndedSocket(socket), "could not be read"],
  ])("ends with 20 for a server that %s, saying so", async (_, answer, said) => {
    const url = await serve(
      [log],
      (request, response) => request.url?.includes("/tile/0/001") === true && answer(request, response),
    );
    const { code, out } = await audit(url, "--timeout", "1");
    expect({ code, out }).toEqual({ code: 20, out: expect.stringMatching(/^INVALID: tile\/0\/001/u) });
    expect(out).toContain(said);
  });

  it("does not read on without an end: a body that never stops is left at its limit", async () => {
    const url = await serve([log], (request, response) => {
      if (request.url?.endsWith("/checkpoint") !== true) return false;
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 120)));
      };
      response.on("drain", pour).writeHead(200);
      pour();
      return true;
    });
    expect(await audit(url)).toMatchObject({ code: 20, out: expect.stringContaining("over 262144 bytes") });
  });

  it("waits where it is told to come back later", async () => {
    let refused = 0;
    const url = await serve([log], (request, response) => {
      if (request.url?.includes("/tile/") !== true || refused === 2) return false;
      refused++;
      return isEnded(response, 429, "", { "retry-after": "0" });
    });
    expect((await audit(url)).code).toBe(0);
    expect(refused).toBe(2);
  });

  it("ends with 20 for a token that is not accepted, and when nobody answers", async () => {
    const url = await serve([log]);
    const refused = await audit(url, "--token-file", save("wrong", "aud_wrong"));
    expect(refused).toMatchObject({ code: 20, out: expect.stringContaining("the token is not accepted (401)") });
    expect(await audit("http://127.0.0.1:1/log")).toMatchObject({
      code: 20,
      out: expect.stringContaining("checkpoint could not be read"),
    });
  });

  it.each<[string, string[], string]>([
    ["no URL", ["--json"], "name one log"],
    ["two URLs", ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"], "name one log"],
    ["a URL that is none", ["somewhere"], "a log's URL"],
    ["a file's URL", ["file:///etc"], "a log's URL"],
    ["a URL with a query", ["http://127.0.0.1:1/a?b"], "a log's URL"],
    ["a URL with a password", ["http://a:b@127.0.0.1:1/"], "a log's URL"],
    ["a timeout of none", ["http://127.0.0.1:1/a", "--timeout", "0"], "--timeout"],
    ["a kept head that is not there", ["http://127.0.0.1:1/a", "--since", "missing.note"], "missing.note"],
    ["an option of another command", ["http://127.0.0.1:1/a", "--holder", "x"], "--holder"],
  ])("ends with 64 for %s, saying so", async (_, args, said) => {
    const { code, out, err } = await run(["audit", "--trust", trust, ...args]);
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(err).toContain(said);
  });

  it("ends with 64 for a kept head of a stranger, an empty token, and a token that would go out in plain text", async () => {
    const stranger = save("stranger.note", new MadeLog(origin).fill(3).head());
    expect((await audit("http://127.0.0.1:1/a", "--since", stranger)).code).toBe(64);
    expect((await audit("http://127.0.0.1:1/a", "--token-file", save("empty", "\n"))).code).toBe(64);
    const plain = await audit("http://keys.example.com/log", "--token-file", tokenFile);
    expect(plain).toMatchObject({ code: 64, err: expect.stringContaining("https only") });
  });
});

describe("agentkeys-verify diff", () => {
  const other = new MadeLog(origin, log.signers).fill(200).add({ time: started }).fill(399);

  it("ends with 21 for two heads of one size, and writes a proof that stands alone", async () => {
    const notes = [save("a.note", log.head()), save("b.note", other.head())];
    const proof = join(folder, "proof.json");
    const { code, out } = await run(["diff", ...notes, "--trust", trust, "--proof", proof, "--json"]);
    expect({ code, verdict: JSON.parse(out) }).toMatchObject({ code: 21, verdict: { level: "FORKED", met: false } });
    expect(JSON.parse(readFileSync(proof, "utf8"))).toEqual(JSON.parse(out).proof);
    expect(await run(["diff", proof, "--trust", trust])).toMatchObject({
      code: 21,
      out: expect.stringMatching(/^FORKED: /u),
    });
    writeFileSync(proof, readFileSync(proof, "utf8").replace("records", "x").replace('"notes"', '"note"'));
    expect((await run(["diff", proof, "--trust", trust])).code).toBe(20);
    const kept = await run(["diff", ...notes, "--trust", trust, "--proof", proof]);
    expect(kept).toMatchObject({ code: 21, err: expect.stringContaining("could not be written") });
  });

  it("ends with 0 for heads that agree, with 10 without tiles to tell, with 21 where the tiles tell of a fork", async () => {
    const [small, large] = [save("small.note", log.head(300)), save("large.note", log.head())];
    const args = ["diff", small, large, "--trust", trust];
    expect(await run(args)).toMatchObject({ code: 10, out: expect.stringMatching(/^UNDECIDED\n/u) });
    const url = await serve([log]);
    const proof = join(folder, "proof.json");
    expect(await run([...args, "--log", url])).toMatchObject({ code: 0, out: expect.stringMatching(/^CONSISTENT\n/u) });
    expect(await run([...args, "--log", await serve([other]), "--proof", proof])).toMatchObject({ code: 21 });
    expect(existsSync(proof)).toBe(true);
    expect((await run(["diff", proof, "--trust", trust])).code).toBe(21);
    const rewound = await serve([new MadeLog(origin, log.signers).fill(400)]);
    expect((await run([...args, "--log", rewound])).code).toBe(22);
  });

  it("ends with 20 for a head that nobody of the policy signed, with 64 for none or three", async () => {
    const [good, bad] = [save("a.note", log.head()), save("b.note", new MadeLog(origin).fill(2).head())];
    expect((await run(["diff", good, bad, "--trust", trust])).code).toBe(20);
    expect((await run(["diff", "--trust", trust])).code).toBe(64);
    expect((await run(["diff", good, good, good, "--trust", trust])).code).toBe(64);
    expect((await run(["diff", good, good])).code).toBe(64);
  });
});

function isEnded(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): true {
  response.writeHead(status, headers).end(body);
  return true;
}

function isEndedSocket(socket: { destroy(): unknown }): true {
  socket.destroy();
  return true;
}
