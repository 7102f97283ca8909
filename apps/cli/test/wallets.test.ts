import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "./run-command.ts";
import { useSignedIn } from "./signed-in.ts";

const person = useSignedIn();
const { agentkeys } = person;

const words = "test test test test test test test test test test test junk";
const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const json = (text: string) => JSON.parse(text) as Record<string, unknown>;
const fileOf = (name: string) => join(person.home.folder.path, name);

describe("wallets list", () => {
  it("names each wallet with its address and place, and opens none", async () => {
    const { stdout, code } = await run(["wallets", "list", "--json", "--home", person.home.path]);
    expect(code).toBe(0);
    expect(json(stdout)).toEqual({
      wallets: [{ name: "default", address, path: "m/44'/60'/0'/0/0", store: "file" }],
    });
  });
  it("is empty where there are none", async () => {
    const { stdout } = await run(["wallets", "list", "--json", "--home", fileOf("nowhere")]);
    expect(json(stdout)).toEqual({ wallets: [] });
  });
});

describe("wallets export", () => {
  it("writes the locked wallet to a private file, which restores it under its passphrase", async () => {
    const { code } = await agentkeys("wallets", "export", "default", "--out", fileOf("copy.json"));
    expect(code).toBe(0);
    expect(statSync(fileOf("copy.json")).mode & 0o777).toBe(0o600);
    expect(readFileSync(fileOf("copy.json"), "utf8")).not.toContain("junk");
    const options = ["--keystore-file", fileOf("copy.json"), "--store", "file", "--json"];
    const restored = await agentkeys("wallets", "restore", "second", ...options);
    expect(json(restored.stdout)).toMatchObject({ wallet: "second", address });
  });
  it("writes the bare words only after a yes", async () => {
    const options = ["--format", "words", "--out", fileOf("words")];
    const asked = await agentkeys("wallets", "export", "default", ...options);
    expect(asked).toMatchObject({ code: 64, stderr: expect.stringContaining("give --yes") });
    expect(() => statSync(fileOf("words"))).toThrow("ENOENT");
    expect((await agentkeys("wallets", "export", "default", "--yes", ...options)).code).toBe(0);
    expect(readFileSync(fileOf("words"), "utf8")).toBe(`${words}\n`);
  });
  it("writes nothing for a wrong passphrase, and over nothing that is there", async () => {
    const wrong = await person.home.folder.write("wrong", "not the passphrase");
    const args = ["wallets", "export", "default", "--home", person.home.path, "--passphrase-file", wrong];
    const refused = await run([...args, "--out", fileOf("copy.json")]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_WALLET_PASSPHRASE") });
    expect(() => statSync(fileOf("copy.json"))).toThrow("ENOENT");
    const over = await agentkeys("wallets", "export", "default", "--out", wrong);
    expect(over).toMatchObject({ code: 64, stderr: expect.stringContaining("is there already") });
    expect(readFileSync(wrong, "utf8")).toBe("not the passphrase");
  });
});

describe("wallets restore", () => {
  it("keeps the wallet of words, and asks no broker", async () => {
    const file = await person.home.folder.write("words", `  ${words.toUpperCase()}\n`);
    const restored = await agentkeys(
      "wallets",
      "restore",
      "again",
      "--mnemonic-file",
      file,
      "--store",
      "file",
      "--json",
    );
    expect(json(restored.stdout)).toEqual({ wallet: "again", address, path: "m/44'/60'/0'/0/0", store: "file" });
    expect(person.broker.received).toEqual([]);
  });
  it("takes no name twice", async () => {
    const file = await person.home.folder.write("words", words);
    const taken = await agentkeys("wallets", "restore", "default", "--mnemonic-file", file);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_WALLET_EXISTS") });
  });
});

describe("wallets remove", () => {
  it("asks first, then takes the wallet off this machine", async () => {
    const asked = await agentkeys("wallets", "remove", "default");
    expect(asked).toMatchObject({ code: 64, stderr: expect.stringContaining("Only its words bring it back") });
    expect(json((await agentkeys("wallets", "remove", "default", "--yes", "--json")).stdout)).toEqual({
      removed: "default",
      address,
    });
    expect(json((await agentkeys("wallets", "list", "--json")).stdout)).toEqual({ wallets: [] });
    const again = await agentkeys("wallets", "remove", "default", "--yes");
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_WALLET_NOT_FOUND") });
  });
});
