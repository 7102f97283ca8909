import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { run } from "./run-command.ts";

/** What bash offers after a line, whose last word is not finished. */
async function complete(line: string): Promise<readonly string[]> {
  const { stdout: script } = await run(["completion", "bash"]);
  const words = line.split(" ");
  const ask = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
cd /; _agentkeys; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", ask], { encoding: "utf8" }).trim().split("\n");
}

describe("completion bash", () => {
  it.each([
    ["agentkeys gra", ["grants"]],
    [
      "agentkeys wallets ",
      ["list", "export", "restore", "remove", "--broker", "--home", "--json", "--passphrase-file", "--help"],
    ],
    ["agentkeys grants create --ma", ["--max-ttl", "--max-uses"]],
    ["agentkeys --json agents app", ["approve"]],
    ["agentkeys grants create --agent report --expi", ["--expires"]],
    ["agentkeys token", ["token-file"]],
  ])("offers what may follow %j", async (line, offered) => {
    expect((await complete(line)).filter((word) => word !== "--version")).toEqual(offered);
  });
});

describe("completion bash behind --", () => {
  it("offers commands and files, and no option of ours", async () => {
    expect(await complete("agentkeys run --agent report -- basen")).toContain("basename");
    expect(await complete("agentkeys run --agent report -- ls /us")).toContain("/usr");
    expect(await complete("agentkeys run --agent report -- ls --a")).toEqual([""]);
  });
});

describe("completion", () => {
  it.each(["zsh", "fish"])("has every command for %s", async (shell) => {
    const { stdout } = await run(["completion", shell]);
    for (const word of ["wallets", "restore", "completion", "--passphrase-file", "--max-uses"])
      expect(stdout).toContain(word.replace("--", shell === "fish" ? "" : "--"));
  });
  it("is of no other shell", async () => {
    expect(await run(["completion", "cmd"])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("bash, zsh, fish"),
    });
  });
});
