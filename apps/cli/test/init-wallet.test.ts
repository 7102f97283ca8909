import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { unlockWallet } from "../src/wallet/keystore.ts";
import { bindingText, siweMessage } from "./account-broker.ts";
import { passphrase, useNewHome } from "./new-home.ts";
import { run, type Ended } from "./run-command.ts";

const words = "test test test test test test test test test test test junk";
const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const person = useNewHome();

const init = async (...args: string[]): Promise<Ended> =>
  run(["init", "wallet", ...person.options, "--yes", "--store", "file", ...args]);
const read = (...path: string[]) => JSON.parse(readFileSync(join(person.path, ...path), "utf8"));
const modeOf = (...path: string[]): string => (statSync(join(person.path, ...path)).mode & 0o777).toString(8);

describe("agentkeys init wallet", () => {
  it("makes a wallet, claims the broker, stores the session privately and binds the wallet", async () => {
    person.broker.claimed = false;
    const out = join(person.folder.path, "words.txt");
    const code = await person.folder.write("claim-code", person.broker.claimCode);
    const witness = person.broker.log.witnessVkey;
    const ended = await init("--json", "--mnemonic-out", out, "--claim-code-file", code, "--witness", witness);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const shown = JSON.parse(ended.stdout);
    const kept = readFileSync(out, "utf8").trim();
    expect(kept.split(" ")).toHaveLength(24);
    expect(shown).toEqual({
      wallet: { name: "default", address: expect.stringMatching(/^0x/u), path: "m/44'/60'/0'/0/0", store: "file" },
      account: person.broker.account,
      mnemonic_file: out,
    });
    expect(person.broker.claimed).toBe(true);
    expect([...person.broker.wallets]).toEqual([shown.wallet.address.toLowerCase()]);

    const wallet = read("wallets", "default.json");
    expect(Object.keys(wallet)).toEqual(["version", "address", "path", "store", "keystore"]);
    const opened = await unlockWallet(JSON.stringify(wallet.keystore), passphrase, shown.wallet.address);
    expect(opened.mnemonic?.phrase).toBe(kept);
    const account = read("account.json");
    expect(account).toMatchObject({
      version: 1,
      broker: person.broker.url,
      account: person.broker.account,
      sign_in: { method: "walletsig", wallet: "default" },
      trust: { log: person.broker.log.vkey, witnesses: [witness] },
    });

    const modes = [modeOf("."), modeOf("wallets"), modeOf("wallets", "default.json"), modeOf("account.json")];
    expect(modes).toEqual(["700", "700", "600", "600"]);
    expect((statSync(out).mode & 0o777).toString(8)).toBe("600");
    expect(readdirSync(person.path).toSorted()).toEqual(["account.json", "wallets"]);
    const written = `${ended.stdout}${JSON.stringify(wallet)}${JSON.stringify(account)}`;
    expect(written).not.toContain(passphrase);
    expect(written).not.toContain(kept.slice(0, 20));
  });

  it("restores a wallet from its words", async () => {
    const ended = await init("--json", "--mnemonic-file", await person.folder.write("words", `${words}\n`));
    expect(JSON.parse(ended.stdout).wallet.address).toBe(address);
  });

  it("asks for the claim code only where nobody has claimed, and passes a wrong one on to be refused", async () => {
    const file = await person.folder.write("words", words);
    person.broker.claimed = false;
    expect(await init("--mnemonic-file", file)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("--claim-code-file"),
    });
    expect(await init("--mnemonic-file", file, "--claim-code", "NOPE")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /agentkeys login --wallet default[^]*ERR_AUTH_CLAIM_CODE: .*\n {2}next: Read the code/u,
      ),
    });
  });

  it("that was stopped by a refused sign-in is completed by login", async () => {
    person.broker.claimed = false;
    await init("--mnemonic-file", await person.folder.write("words", words), "--claim-code", "NOPE");
    const ended = await run(["login", ...person.options, "--json", "--claim-code", person.broker.claimCode]);
    expect(JSON.parse(ended.stdout)).toEqual({ account: person.broker.account, broker: person.broker.url });
    expect([...person.broker.wallets]).toEqual([address.toLowerCase()]);
  });

  it("signs nothing for a broker whose message names another one", async () => {
    person.broker.signInMessage = (who) =>
      siweMessage(person.broker.url, who, { domain: "keys.example", uri: "https://keys.example" });
    const ended = await init("--json", "--mnemonic-file", await person.folder.write("words", words));
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stderr.trim().split("\n").at(-1)!).error).toMatchObject({
      code: "ERR_AUTH_BROKER",
      message: expect.stringContaining("keys.example"),
      next_step: expect.stringContaining("Do not sign it"),
    });
    expect(person.broker.count("/v1/auth/walletsig/finish")).toBe(0);
  });

  it("binds nothing for a broker whose text names another account", async () => {
    person.broker.bindingMessage = (who) => bindingText(person.broker.url, "cd".repeat(32), who);
    const ended = await init("--mnemonic-file", await person.folder.write("words", words));
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_AUTH_BROKER") });
    expect(person.broker.count("/v1/wallets/finish")).toBe(0);
  });

  it("takes no second wallet of a name, and binds one of another name to the same account", async () => {
    await init("--mnemonic-file", await person.folder.write("words", words));
    const out = join(person.folder.path, "more.txt");
    const again = await init("--mnemonic-out", out);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/ERR_WALLET_EXISTS[^]*login --wallet/u) });
    const second = await init("--json", "--name", "second", "--words", "12", "--mnemonic-out", out);
    expect(second.code).toBe(0);
    expect(readFileSync(out, "utf8").trim().split(" ")).toHaveLength(12);
    expect(person.broker.wallets.size).toBe(2);
    expect(person.broker.count("/v1/auth/walletsig/finish")).toBe(1);
    expect(read("account.json").sign_in).toEqual({ method: "walletsig", wallet: "default" });
  });

  it("writes words over nothing", async () => {
    const out = await person.folder.write("words.txt", "precious");
    expect(await init("--mnemonic-out", out)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("is there already"),
    });
    expect(readFileSync(out, "utf8")).toBe("precious");
  });

  it.each([
    ["where new words would be lost", [], "--mnemonic-out"],
    ["with a name that is a path", ["--name", "../x", "--mnemonic-out", "words"], "letters, digits"],
    ["with 13 words", ["--words", "13"], "12 or 24"],
    ["with a witness that is none", ["--mnemonic-out", "words", "--witness", "abc"], "not the vkey of a witness"],
  ])("is refused %s, before anything is made", async (_, args, message) => {
    const ended = await init(...args);
    expect(ended.stderr).toContain(message);
    expect([64, 78]).toContain(ended.code);
    expect(() => statSync(person.path)).toThrow("ENOENT");
  });

  it("takes no passphrase from a file that others may read, and none that is short", async () => {
    const file = await person.folder.write("words", words);
    const open = await person.folder.write("open", "correct horse battery", 0o644);
    expect(await init("--mnemonic-file", file, "--passphrase-file", open)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("0600"),
    });
    const short = await person.folder.write("short", "horse");
    expect(await init("--mnemonic-file", file, "--passphrase-file", short)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("8 characters"),
    });
  });

  it("without a broker makes nothing", async () => {
    const ended = await init("--broker", "http://127.0.0.1:9", "--mnemonic-out", join(person.folder.path, "words.txt"));
    expect(ended).toMatchObject({ code: 69, stderr: expect.stringContaining("ERR_REQUEST_UNREACHABLE") });
    expect(readdirSync(person.folder.path)).toEqual(["passphrase"]);
  });
});

describe("agentkeys login", () => {
  beforeEach(async () => {
    await init("--mnemonic-file", await person.folder.write("words", words));
  });

  it("stores a new session, bound to the same key, and ends the old one", async () => {
    const before = read("account.json");
    const ended = await run(["login", ...person.options]);
    expect(ended).toMatchObject({
      code: 0,
      stdout: `signed in to ${person.broker.url} as ${person.broker.account} (wallet default)\n`,
    });
    const after = read("account.json");
    expect(after.session.access_token).not.toBe(before.session.access_token);
    expect(after.key).toEqual(before.key);
    const revoked = person.broker.received.find(({ path }) => path === "/oauth/revoke");
    expect(new URLSearchParams(revoked!.text).get("token")).toBe(before.session.refresh_token);
    expect(person.broker.count("/v1/wallets/start")).toBe(1);
  });

  it("with a wrong passphrase says so and asks the broker for nothing", async () => {
    const asked = person.broker.received.length;
    const wrong = await person.folder.write("wrong", "incorrect horse battery");
    const ended = await run(["login", ...person.options, "--passphrase-file", wrong]);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_WALLET_PASSPHRASE") });
    expect(person.broker.received).toHaveLength(asked);
  });

  it("to another account, by a wallet that is not there, or at another broker is refused", async () => {
    expect(await run(["login", ...person.options, "--wallet", "other"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ERR_WALLET_NOT_FOUND"),
    });
    expect(await run(["login", ...person.options, "--broker", "https://keys.example"])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("use another --home"),
    });
    Object.assign(person.broker, { account: "cd".repeat(32) });
    expect(await run(["login", ...person.options])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("another account"),
    });
  });
});
