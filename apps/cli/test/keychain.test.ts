import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAccountBroker, type AccountBroker } from "./account-broker.ts";
import { needs } from "./needs.ts";
import { commandLine, makeFolder, run, watch, type Ended, type Folder } from "./run-command.ts";

const words = "test test test test test test test test test test test junk";
const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
let broker: AccountBroker;
let folder: Folder;
let common: string[];
beforeEach(async () => {
  broker = await startAccountBroker();
  folder = await makeFolder();
  common = ["--home", join(folder.path, "home"), "--broker", broker.url];
  common.push("--passphrase-file", await folder.write("passphrase", "correct horse battery"));
});
afterEach(async () => {
  await broker.close();
  await folder.remove();
});
const init = async () => ["init", "wallet", ...common, "--json", "--mnemonic-file", await folder.write("words", words)];
const wallet = () => JSON.parse(readFileSync(join(folder.path, "home", "wallets", "default.json"), "utf8"));

// No message bus: what a server or a container has.
const none = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent", XDG_RUNTIME_DIR: "/nonexistent", DISPLAY: "" };

describe("without a keychain", () => {
  it("the wallet lies in a file, and the person is told why", async () => {
    const ended = await run(await init(), none);
    expect(ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^No keychain works here \(.+\); the wallet lies in a file\.\n$/u),
    });
    expect(JSON.parse(ended.stdout).wallet).toMatchObject({ store: "file", address });
    expect(wallet()).toMatchObject({ store: "file", keystore: { version: 3 } });
  });

  it("a wallet that must lie in one is not stored at all", async () => {
    const ended = await run([...(await init()), "--store", "keychain"], none);
    expect(ended).toMatchObject({ code: 78, stderr: expect.stringContaining("ERR_CONFIG_SECRET") });
    expect(wallet).toThrow("ENOENT");
  });
});

const isThere = (name: string): boolean => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
const lacking =
  isThere("dbus-run-session") && isThere("gnome-keyring-daemon")
    ? undefined
    : "the Debian packages dbus-daemon and gnome-keyring";

describe("with a keychain (gnome-keyring on a bus of its own)", () => {
  beforeEach((context) => needs(context, lacking));

  /** Runs shell lines in a session with an unlocked, empty keyring. */
  const inSession = async (lines: readonly string[]): Promise<Ended> => {
    const data = join(folder.path, "data");
    const unlock = "printf 'login' | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null 2>&1";
    const script = ["set -e", `mkdir -p '${data}'`, unlock, ...lines].join("\n");
    const environment = { ...process.env, XDG_DATA_HOME: data, XDG_RUNTIME_DIR: data, HOME: data };
    const { child, ended } = watch(spawn("dbus-run-session", ["--", "sh", "-c", script], { env: environment }));
    child.stdin.end();
    return ended;
  };
  const line = (args: readonly string[]): string =>
    [process.execPath, ...commandLine, ...args].map((part) => `'${part}'`).join(" ");

  it("the locked wallet lies there and in no file, and opens by its passphrase alone", async () => {
    const login = ["login", ...common, "--json"];
    const wrong = [...login, "--passphrase-file", await folder.write("wrong", "incorrect horse battery")];
    const ended = await inSession([line(await init()), line(login), `! ${line(wrong)}`]);
    expect(ended.code).toBe(0);
    const [made, signedIn] = ended.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(made.wallet).toMatchObject({ store: "keychain", address });
    expect(signedIn).toEqual({ account: broker.account, broker: broker.url });
    expect(ended.stderr).toContain("ERR_WALLET_PASSPHRASE");
    expect(wallet()).toEqual({ version: 1, address, path: "m/44'/60'/0'/0/0", store: "keychain" });
    expect(broker.count("/v1/auth/walletsig/finish")).toBe(2);
  });

  it("a wallet that the keychain has lost says how to get it back", async () => {
    expect((await inSession([line(await init())])).code).toBe(0);
    await folder.remove();
    const file = { version: 1, address, path: "m/44'/60'/0'/0/0", store: "keychain" };
    folder = await makeFolder();
    const home = join(folder.path, "home");
    const write = `mkdir -p '${home}/wallets' && umask 077 && printf '%s' '${JSON.stringify(file).replaceAll("'", "'\\''")}' > '${home}/wallets/default.json'`;
    const passphrase = await folder.write("passphrase", "correct horse battery");
    const login = ["login", "--home", home, "--broker", broker.url, "--passphrase-file", passphrase];
    const ended = await inSession([write, line(login)]);
    expect(ended).toMatchObject({ code: 78, stderr: expect.stringContaining("restore it from its words") });
  });
});
