import { createCall, createFakeHost } from "@agentkeys/testkit";
import { describe, expect, it } from "vitest";
import { ada, answerOf, ben, handleOf, messageOf, openProvisioner, refusalOf, wallets } from "./support/binding.ts";

const [wallet, other] = wallets;
const noChallenge = "ERR_WALLET_CHALLENGE: the challenge is unknown, used or expired";

describe("binding a wallet", () => {
  it("asks for a signature over a text that names broker, account, wallet, nonce and end", async () => {
    const { start } = await openProvisioner({}, createFakeHost({ publicUrl: "https://keys.example:8443/keys" }));
    const challenge = await start(ada, wallet);
    expect(challenge.expiresAt).toBe(Date.UTC(2026, 0, 1, 0, 10));
    expect(Object.keys(challenge.public)).toEqual(["message"]);
    const nonce = /^Nonce: (?<nonce>[0-9a-f]{32})$/mu.exec(messageOf(challenge))?.groups?.["nonce"];
    expect(messageOf(challenge)).toBe(`Bind this wallet to your AgentKeys account.

Broker: https://keys.example:8443/keys
Account: ${ada}
Wallet: ${wallet.address}
Nonce: ${nonce}
Expiration Time: 2026-01-01T00:10:00.000Z

The signature proves that you hold the key of this wallet. It moves no funds and lets nobody spend.`);
  });

  it("asks for no text that a wallet or a broker could take for a sign-in message (EIP-4361)", async () => {
    const { start } = await openProvisioner();
    expect(messageOf(await start(ada, wallet))).not.toContain("wants you to sign in with your Ethereum account");
  });

  it("gives the handle of the address, in lower case, kept by the person", async () => {
    const { bind, lookup } = await openProvisioner();
    expect(await bind(ada, wallet)).toEqual(handleOf(wallet));
    expect(await lookup(ada)).toEqual([handleOf(wallet)]);
  });

  it("takes an address in lower case and with its checksum (EIP-55), and no other", async () => {
    const { provisioner, host } = await openProvisioner();
    const start = (address: string) => provisioner.start(ada, { address }, createCall(host));
    const { address } = wallet;
    expect(messageOf(await start(address.toLowerCase()))).toContain(`\nWallet: ${address}\n`);
    const spoilt = address.replace(/[A-F]/u, (letter) => letter.toLowerCase());
    expect(await refusalOf(start(spoilt))).toBe("ERR_REQUEST_MALFORMED: the address fails its EIP-55 checksum");
  });

  it("tells nobody but the holder of a key whether its address is bound", async () => {
    const { bind, start, provision } = await openProvisioner();
    await bind(ada, wallet);
    const challenge = await start(ben, wallet);
    expect(Object.keys(challenge.public)).toEqual(["message"]);
    expect(await refusalOf(provision(ben, await answerOf(challenge, other)))).toMatch(/^ERR_WALLET_PROOF/u);
    expect(await refusalOf(provision(ben, await answerOf(challenge, wallet)))).toBe(
      "ERR_WALLET_BOUND: this address is bound to another account",
    );
  });

  it("leaves nothing of a refused account behind", async () => {
    const { bind, host, lookup } = await openProvisioner();
    await bind(ada, wallet);
    const before = host.store.entries();
    await refusalOf(bind(ben, wallet));
    expect(host.store.entries()).toEqual(before);
    expect(await lookup(ben)).toEqual([]);
  });

  it("refuses a right signature in another form, and takes it in its own", async () => {
    const { start, provision } = await openProvisioner();
    const answer = await answerOf(await start(ada, wallet), wallet);
    const parity = answer.signature.endsWith("1b") ? "00" : "01";
    const signature = `${answer.signature.slice(0, -2)}${parity}`;
    expect(await refusalOf(provision(ada, { ...answer, signature }))).toBe(
      "ERR_WALLET_PROOF: the signature's last byte is not 27 or 28",
    );
    expect(await refusalOf(provision(ada, answer))).toBe("no error");
  });

  it("serves the account that started and no other, whose try burns nothing", async () => {
    const { start, provision } = await openProvisioner();
    const answer = await answerOf(await start(ada, wallet), wallet);
    expect(await refusalOf(provision(ben, answer))).toBe(noChallenge);
    expect(await refusalOf(provision(ada, answer))).toBe("no error");
  });

  it("says the same of a challenge that is unknown, used, expired or another's, and looks up nothing but ids", async () => {
    const { start, provision, host } = await openProvisioner();
    const used = await answerOf(await start(ada, wallet), wallet);
    await provision(ada, used);
    const others = await answerOf(await start(ben, wallet), wallet);
    const expired = await answerOf(await start(ada, wallet), wallet);
    expect(await refusalOf(provision(ada, others))).toBe(noChallenge);
    host.advance(600_000);
    for (const answer of [used, expired, others, { ...used, challenge_id: `chl_${"0".repeat(26)}` }])
      for (const signature of [answer.signature, "0x"])
        expect(await refusalOf(provision(ada, { ...answer, signature }))).toBe(noChallenge);
    const { uses } = host.store;
    for (const id of ["", "\ud800", "x".repeat(64)])
      expect(await refusalOf(provision(ada, { ...used, challenge_id: id }))).toBe(noChallenge);
    expect(host.store.uses).toBe(uses);
  });

  it("is for good, while the challenge is not", async () => {
    const { bind, host, lookup, start } = await openProvisioner();
    await bind(ada, wallet);
    await start(ada, other);
    host.advance(10 * 365 * 86_400_000);
    expect(await lookup(ada)).toEqual([handleOf(wallet)]);
    expect(host.store.entries().map(({ key }) => key.split(":")[0])).toEqual(["account", "address"]);
  });

  it("shows an account its wallets in the order of their binding, also where one is bound again", async () => {
    const { bind, host, lookup } = await openProvisioner();
    const order = wallets.toSorted((one, next) => (one.address < next.address ? 1 : -1));
    for (const one of order) {
      host.advance(1000);
      await bind(ada, one);
    }
    host.advance(1000);
    await bind(ada, order[0]!);
    expect(await lookup(ada)).toEqual(order.map((one) => handleOf(one)));
  });
});

describe("an instance", () => {
  it("signs nothing: the person's key is not here", async () => {
    const { provisioner, host, bind } = await openProvisioner();
    await bind(ada, wallet);
    const request = { account: ada, address: wallet.address.toLowerCase(), payload: Uint8Array.of(1) };
    expect(await refusalOf(provisioner.sign!(request, createCall(host)))).toBe(
      "ERR_WALLET_UNSUPPORTED: the person keeps the key of this wallet and signs with it",
    );
  });

  it("is ready, and closes twice", async () => {
    const { provisioner, host } = await openProvisioner();
    expect(await provisioner.ready(createCall(host))).toEqual({ status: "ready" });
    await provisioner.close();
    await provisioner.close();
  });
});
