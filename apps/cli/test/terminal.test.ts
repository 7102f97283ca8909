import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { lackingScript, startAtTerminal } from "./at-terminal.ts";
import { needs } from "./needs.ts";
import { commandLine, makeFolder, type Folder, type Running } from "./run-command.ts";

describe("at a terminal", () => {
  beforeEach((context) => needs(context, lackingScript));
  let broker: AccountBroker;
  let folder: Folder;
  beforeEach(async () => {
    broker = await startAccountBroker();
    folder = await makeFolder();
  });
  afterEach(async () => {
    await broker.close();
    await folder.remove();
  });

  const atTerminal = (...args: string[]): Running => {
    const command = [process.execPath, ...commandLine, ...args, "--home", join(folder.path, "home")];
    return startAtTerminal(command);
  };
  /** A question at the end of the screen; readline moves the cursor behind it. */
  const asked = (text: string): RegExp => new RegExp(`${text} (?:\u001B\\[\\d+G)?$`, "u");
  const type = (running: Running, text: string): void => void running.child.stdin.write(`${text}\r`);

  it("new words are shown once, taken off the screen and asked back; the passphrase is asked twice, unseen", async () => {
    const running = atTerminal("init", "wallet", "--store", "file", "--broker", broker.url);
    await running.until(asked("New passphrase for the wallet:"));
    type(running, "short");
    await running.until(asked("At least 8 characters[^]*New passphrase for the wallet:"));
    type(running, "correct horse battery");
    await running.until(asked("Once more:"));
    type(running, "correct horse batterx\u007fy");
    const [shown] = await running.until(asked("shown only now\\.[^]*Press Enter when they are written down\\."));
    const words = Array.from(shown.matchAll(/\d+\. ([a-z]+)/gu), ([, word]) => word!);
    expect(words).toHaveLength(24);
    type(running, "");
    for (let count = 1; count <= 3; count++) {
      const [, place] = await running.until(asked(`(?:Word \\d+: [^]*){${count - 1}}Word (\\d+):`));
      type(running, words[Number(place) - 1]!);
    }
    const { code, stdout } = await running.ended;
    expect(stdout).toContain(`account  ${broker.account}`);
    expect(code).toBe(0);
    expect(stdout).not.toContain("correct horse");
    expect(stdout).toContain("\u001B[10A\u001B[J");
    expect(readFileSync(join(folder.path, "home", "account.json"), "utf8")).toContain(broker.account);
  });

  it("a wrong word shows the words again", async () => {
    const passphrase = await folder.write("passphrase", "correct horse battery");
    const running = atTerminal(
      "init",
      "wallet",
      "--store",
      "file",
      "--broker",
      broker.url,
      "--passphrase-file",
      passphrase,
    );
    await running.until(asked("written down\\."));
    type(running, "");
    await running.until(asked("Word \\d+:"));
    type(running, "zzz");
    await running.until(asked("That is another word\\.[^]*written down\\."));
    type(running, "\u0003");
    expect((await running.ended).code).toBe(130);
    expect(existsSync(join(folder.path, "home"))).toBe(false);
  });

  it("Ctrl-C at the passphrase ends with 130 and leaves nothing", async () => {
    const running = atTerminal("init", "wallet", "--broker", broker.url);
    await running.until(asked("New passphrase for the wallet:"));
    running.child.stdin.write("\u0003");
    expect((await running.ended).code).toBe(130);
    expect(existsSync(join(folder.path, "home"))).toBe(false);
  });

  it("the words of a wallet are taken unseen, and the claim code is asked for", async () => {
    broker.claimed = false;
    const passphrase = await folder.write("passphrase", "correct horse battery");
    const running = atTerminal(
      "init",
      "wallet",
      "--restore",
      "--broker",
      broker.url,
      "--passphrase-file",
      passphrase,
      "--store",
      "file",
    );
    await running.until(asked("Claim code:"));
    type(running, broker.claimCode);
    await running.until(asked("The words, in order:"));
    type(running, "test test test test test test test test test test test junk");
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toContain("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    expect(stdout).not.toContain("junk");
  });
});
