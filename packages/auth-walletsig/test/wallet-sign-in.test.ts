import { inspect } from "node:util";
import { createCall, createFakeHost } from "@agentkeys/testkit";
import { describe, expect, it } from "vitest";
import { ada, answerOf, grace, messageOf, openMethod, refusalOf } from "./support/sign-in.ts";

const noChallenge = "ERR_AUTH_CHALLENGE: the challenge is unknown, used or expired";

describe("starting", () => {
  it("gives a message that names the broker, the address, the chain and the end of the challenge", async () => {
    const { start, host } = await openMethod(
      {},
      createFakeHost({ publicUrl: "https://keys.example:8443", now: 1_767_225_600_999 }),
    );
    const challenge = await start(ada, 8453);
    expect(challenge.expiresAt).toBe(1_767_226_200_000);
    expect(Object.keys(challenge.public)).toEqual(["message", "nonce"]);
    const message = messageOf(challenge);
    expect(message).toMatch(/^keys\.example:8443 wants you/u);
    expect(message).toContain(`\n${ada.address}\n`);
    expect(message).toContain("\nURI: https://keys.example:8443\n");
    expect(message).toContain("\nChain ID: 8453\n");
    expect(message).toMatch(/\nNonce: [0-9a-f]{32}\n/u);
    expect(message).toMatch(/\nExpiration Time: 2026-01-01T00:10:00Z\n/u);
    expect(message).toContain(`\nNonce: ${challenge.public["nonce"] as string}\n`);
    expect(host.randomBytes).toBe(32);
  });

  it("makes a nonce and an id of its own each time, and the id is not in the message", async () => {
    const { start } = await openMethod();
    const first = await start();
    const second = await start();
    expect(first.id).not.toBe(second.id);
    expect(messageOf(first)).not.toBe(messageOf(second));
    expect(messageOf(first)).not.toContain(first.id.slice(4));
  });

  // The test cases of EIP-55.
  const checksummed = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
  ];

  it.each(checksummed)("takes %s, and in lower case too, and shows it with its checksum (EIP-55)", async (address) => {
    const { method, host } = await openMethod();
    for (const spelling of [address, address.toLowerCase()]) {
      const challenge = await method.start({ address: spelling, chain_id: 1 }, createCall(host));
      expect(messageOf(challenge)).toContain(`\n${address}\n`);
    }
  });

  it.each(checksummed.filter((address) => /[a-f].*[A-F]|[A-F].*[a-f]/u.test(address.slice(2))))(
    "refuses %s with the case of one letter changed",
    async (address) => {
      const { method, host } = await openMethod();
      const letters = [...address.matchAll(/(?<=^0x.*)[a-f]/giu)];
      for (const { index, 0: letter } of letters) {
        const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
        const spelling = `${address.slice(0, index)}${other}${address.slice(index + 1)}`;
        expect(await refusalOf(method.start({ address: spelling, chain_id: 1 }, createCall(host)))).toBe(
          "ERR_REQUEST_MALFORMED: the address fails its EIP-55 checksum",
        );
      }
      expect(host.store.entries()).toEqual([]);
    },
  );

  it("takes the chains of the list and no other", async () => {
    const { start } = await openMethod({ chain_ids: [10, 8453] });
    expect(await refusalOf(start(ada, 8453))).toBe("no error");
    expect(await refusalOf(start(ada, 1))).toBe("ERR_REQUEST_MALFORMED: chain_id: expected one of 10, 8453");
  });
});

describe("finishing", () => {
  it("proves the address that signed, in lower case, by a software key", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start();
    expect(await finish(await answerOf(challenge))).toEqual({
      challengeId: challenge.id,
      identity: { type: "evm", value: ada.address.toLowerCase() },
      amr: ["swk"],
    });
  });

  it("takes a message that the client built around the broker's nonce and end", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start();
    const message = messageOf(challenge).replace("Sign in to AgentKeys.", "Welcome back.");
    expect(await finish(await answerOf(challenge, ada, message))).toMatchObject({
      identity: { value: ada.address.toLowerCase() },
    });
  });

  it("refuses a message for another broker, signed by the right key, and says what is wrong with it", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start();
    const message = messageOf(challenge).replace(/^keys\.example/u, "evil.example");
    expect(await refusalOf(finish(await answerOf(challenge, ada, message)))).toBe(
      "ERR_AUTH_PROOF: the message's domain is not the one the broker gave",
    );
  });

  it("refuses the message of another challenge", async () => {
    const { start, finish } = await openMethod();
    const first = await start();
    const second = await start();
    expect(await refusalOf(finish({ ...(await answerOf(first)), challenge_id: second.id }))).toBe(
      "ERR_AUTH_PROOF: the message's nonce is not the one the broker gave",
    );
  });

  it("refuses the signature of another key, also where the message names that key", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start(ada);
    const refusal = "ERR_AUTH_PROOF: the signature is not by the address over this message";
    expect(await refusalOf(finish(await answerOf(challenge, grace)))).toBe(refusal);
    const message = messageOf(challenge).replace(ada.address, grace.address);
    expect(await refusalOf(finish(await answerOf(challenge, grace, message)))).toBe(
      "ERR_AUTH_PROOF: the message's address is not the one the broker gave",
    );
  });

  it("refuses a right signature in another form", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start();
    const answer = await answerOf(challenge);
    const byte = answer.signature.slice(-2) === "1b" ? "00" : "01";
    for (const signature of [
      `${answer.signature.slice(0, -2)}${byte}`,
      `${answer.signature}00`,
      answer.signature.slice(2),
    ])
      expect(await refusalOf(finish({ ...answer, signature }))).toMatch(/^ERR_AUTH_PROOF/u);
    expect(await refusalOf(finish(answer))).toBe("no error");
  });

  it("is not spoilt by wrong answers, however many: they burn nothing and write nothing", async () => {
    const { start, finish, host } = await openMethod();
    const challenge = await start();
    const before = host.store.entries();
    const wrong = await answerOf(challenge, grace);
    for (let tries = 0; tries < 20; tries += 1) expect(await refusalOf(finish(wrong))).toMatch(/^ERR_AUTH_PROOF/u);
    expect(host.store.entries()).toEqual(before);
    expect(await refusalOf(finish(await answerOf(challenge)))).toBe("no error");
  });

  it("gives one identity to exactly one of many right answers at once", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start();
    const answer = await answerOf(challenge);
    const built = await answerOf(challenge, ada, messageOf(challenge).replace("Sign in", "Log in"));
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, (_none, at) => refusalOf(finish(at % 2 === 0 ? answer : built))),
    );
    expect(outcomes.filter((outcome) => outcome === "no error")).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(["no error", noChallenge]));
  });

  it("says the same of a challenge that is unknown, used or expired, with a right signature or a wrong one", async () => {
    const { start, finish, host } = await openMethod();
    const used = await answerOf(await start());
    await finish(used);
    const expired = await answerOf(await start());
    host.advance(600_000);
    const unknown = [`chl_${"0".repeat(26)}`, "chl_", "", "challenge", "\ud800", "0".repeat(64)];
    const answers = [used, expired, ...unknown.map((id) => ({ ...expired, challenge_id: id }))];
    for (const answer of answers) {
      expect(await refusalOf(finish(answer))).toBe(noChallenge);
      expect(await refusalOf(finish({ ...answer, signature: "0x" }))).toBe(noChallenge);
    }
    expect(host.store.entries()).toEqual([]);
  });

  it("does not ask the store for what is no id: a key that is no Unicode would be its error", async () => {
    const { start, finish, host } = await openMethod();
    const answer = await answerOf(await start());
    const { uses } = host.store;
    for (const id of ["\ud800", "", "chl_", "x".repeat(64)]) await refusalOf(finish({ ...answer, challenge_id: id }));
    expect(host.store.uses).toBe(uses);
  });

  it("is over to the millisecond at which the message says so, whatever part of a second it began in", async () => {
    const { start, finish, host } = await openMethod({}, createFakeHost({ now: 1_767_225_600_999 }));
    const first = await start();
    const second = await start();
    host.advance(first.expiresAt - host.now() - 1);
    expect(await refusalOf(finish(await answerOf(first)))).toBe("no error");
    host.advance(1);
    expect(await refusalOf(finish(await answerOf(second)))).toBe(noChallenge);
  });

  it("works for whoever opens the plug-in next: a challenge lives in the host's store", async () => {
    const { start, host } = await openMethod();
    const challenge = await start();
    const next = await openMethod({}, host);
    expect(await refusalOf(next.finish(await answerOf(challenge)))).toBe("no error");
  });

  it("leaves no signature in the store, the log or a metric", async () => {
    const { start, finish, host } = await openMethod();
    const answer = await answerOf(await start());
    await finish(answer);
    expect(inspect([host.store.entries(), host.logs, host.metrics], { depth: 9 })).not.toContain(answer.signature);
  });
});

describe("an instance", () => {
  it("is ready, and closes twice", async () => {
    const { method, host } = await openMethod();
    expect(await method.ready(createCall(host))).toEqual({ status: "ready" });
    await method.close();
    await method.close();
  });
});
