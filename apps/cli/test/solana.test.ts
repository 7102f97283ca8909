import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { siwsMessage } from "./account-broker.ts";
import { useNewHome } from "./new-home.ts";
import { run, type Ended } from "./run-command.ts";

// The words of Solana's cookbook, with the addresses it publishes for them.
const words = "neither lonely flavor argue grass remind eye tag avocado spot unusual intact";
const address = "5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N";
const second = "GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv";
const person = useNewHome();
let init: (...args: string[]) => Promise<Ended>;
beforeEach(async () => {
  const from = ["--mnemonic-file", await person.folder.write("words", words)];
  init = async (...args) => run(["init", "wallet", ...person.options, "--yes", "--store", "file", ...from, ...args]);
});

const account = () => JSON.parse(readFileSync(join(person.path, "account.json"), "utf8"));
const asked = (path: string) => person.broker.sent(path);

describe("agentkeys init wallet --solana", () => {
  it("signs in by the Solana key of the words, keeps the wallet as ever, and binds nothing", async () => {
    const ended = await init("--json", "--solana");
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toEqual({
      wallet: { name: "default", address: expect.stringMatching(/^0x/u), path: "m/44'/60'/0'/0/0", store: "file" },
      solana: { address, path: "m/44'/501'/0'/0'" },
      account: person.broker.account,
    });
    expect(asked("/v1/auth/walletsig/start")).toEqual([{ address, chain_id: "solana:mainnet" }]);
    expect(account().sign_in).toEqual({ method: "walletsig", wallet: "default", solana: 0 });
    expect(person.broker.count("/v1/wallets/start")).toBe(0);
  });

  it("takes the key of the index that is named", async () => {
    expect((await init("--solana", "1")).stdout).toContain(`solana   ${second}  (m/44'/501'/1'/0')\n`);
  });

  it("signs nothing for a broker whose message names another broker, wallet or cluster", async () => {
    for (const [change, name] of [
      [{ domain: "keys.example", uri: "https://keys.example" }, "one"],
      [{ who: second }, "two"],
      [{ chain: "solana:devnet" }, "three"],
    ] as const) {
      person.broker.signInMessage = (who) => siwsMessage(person.broker.url, who, change);
      expect(await init("--solana", "--name", name)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("ERR_AUTH_BROKER"),
      });
    }
    expect(person.broker.count("/v1/auth/walletsig/finish")).toBe(0);
  });

  it("that was stopped by a refused sign-in is completed by the login it names", async () => {
    person.broker.claimed = false;
    const stopped = await init("--solana", "1", "--claim-code", "NOPE");
    expect(stopped.stderr).toContain("agentkeys login --wallet default --solana 1");
    const ended = await run(["login", ...person.options, "--solana", "1", "--claim-code", person.broker.claimCode]);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining("(wallet default, Solana key 1)") });
  });

  it.each(["-1", "01", "1.5", "2147483648", "x"])("is refused for index %s, before anything is made", async (index) => {
    expect(await init(`--solana=${index}`)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("from 0 to 2147483647"),
    });
    expect(() => statSync(person.path)).toThrow("ENOENT");
  });

  it("in a home with an account says how to add the key, and makes no wallet", async () => {
    await init();
    expect(await init("--solana", "--name", "more")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("identities link wallet NAME --solana"),
    });
    expect(() => statSync(join(person.path, "wallets", "more.json"))).toThrow("ENOENT");
  });
});

describe("agentkeys login", () => {
  it("goes on by the Solana key of the last time, and by the Ethereum key where the wallet is named", async () => {
    await init("--solana", "1");
    expect(await run(["login", ...person.options])).toMatchObject({ code: 0 });
    expect(asked("/v1/auth/walletsig/start").at(-1)).toEqual({ address: second, chain_id: "solana:mainnet" });
    expect(person.broker.count("/v1/wallets/start")).toBe(0);
    expect(await run(["login", ...person.options, "--wallet", "default"])).toMatchObject({ code: 0 });
    expect(asked("/v1/auth/walletsig/start").at(-1)).toMatchObject({ chain_id: 1 });
    expect(account().sign_in).toEqual({ method: "walletsig", wallet: "default" });
  });

  it("--solana takes the wallet of the last time, and not an email address", async () => {
    await init("--name", "mine");
    expect(await run(["login", ...person.options, "--solana"])).toMatchObject({ code: 0 });
    expect(account().sign_in).toEqual({ method: "walletsig", wallet: "mine", solana: 0 });
    expect((await run(["login", ...person.options, "--solana", "--email", "ada@example.com"])).code).toBe(64);
  });
});

describe("agentkeys identities link wallet --solana", () => {
  it("proves the Solana key to the account that is signed in", async () => {
    await init();
    const ended = await run(["identities", "link", "wallet", "default", "--solana", ...person.options]);
    expect(ended).toMatchObject({ code: 0, stdout: `linked  solana  ${address}\n` });
  });
});
