import type { ConformanceCase } from "../conformance.ts";
import { check, describe, expectRefusal, isSameJson } from "../expect.ts";
import { ada, begin, ben, defineWalletCase as define, expectBound, expectWallets } from "./wallet-subject.ts";
import type { WalletFixture } from "./wallet-fixture.ts";

/** What binds a wallet, to whom, and how often. */
export const walletBindingCases: readonly ConformanceCase<WalletFixture>[] = [
  define("WAL-01", "the owner's answer binds the wallet to the account, and lookup shows it", async (subject) => {
    await expectWallets(subject, ada, []);
    const { address, family, custody } = await expectBound(subject, await begin(subject));
    check(address !== "" && ["evm", "solana"].includes(family), "the handle has no address of a known family");
    check(["person", "contract", "enclave", "remote"].includes(custody), "the handle does not say who holds the key");
    await expectWallets(subject, ada, [subject.fixture.wallets[0]]);
  }),
  define("WAL-02", "a challenge binds once", async (subject) => {
    const { instance, call } = subject;
    const binding = await begin(subject);
    await expectBound(subject, binding);
    await expectRefusal(instance.provision(ada, binding.answer, call()), ["ERR_WALLET_CHALLENGE"], "a used challenge");
  }),
  define("WAL-03", "of many true answers at the same moment exactly one binds", async (subject) => {
    const { answer } = await begin(subject);
    const other = await subject.open();
    const attempts = Array.from({ length: 16 }, async (_, at) =>
      (at % 2 === 0 ? subject.instance : other).provision(ada, answer, subject.call()),
    );
    const results = await Promise.allSettled(attempts);
    const bound = results.filter(({ status }) => status === "fulfilled").length;
    check(bound === 1, `${bound} of 16 answers at the same moment bound`);
    for (const result of results)
      if (result.status === "rejected")
        await expectRefusal(
          Promise.reject(result.reason as Error),
          ["ERR_WALLET_CHALLENGE"],
          "the second of two answers",
        );
    await expectWallets(subject, ada, [subject.fixture.wallets[0]]);
  }),
  define("WAL-04", "an unknown, a used and an expired challenge look alike", async (subject) => {
    const { instance, host, call } = subject;
    const used = await begin(subject);
    await expectBound(subject, used);
    const expired = await begin(subject, ada, 1);
    host.advance(expired.challenge.expiresAt - host.now());
    const elsewhere = await subject.open(subject.makeHost({ seed: "another" }));
    const unknown = await begin(subject, ada, 1, elsewhere);
    const looks: object[] = [];
    for (const [what, { answer }] of Object.entries({ unknown, used, expired })) {
      const attempt = instance.provision(ada, answer, call());
      const { message, facts } = await expectRefusal(attempt, ["ERR_WALLET_CHALLENGE"], `an ${what} challenge`);
      looks.push({ message, facts });
    }
    check(
      looks.every((look) => isSameJson(look, looks[0])),
      "the error tells an unknown from a used or expired challenge",
    );
    await expectWallets(subject, ada, [subject.fixture.wallets[0]]);
  }),
  define(
    "WAL-05",
    "without the wallet's signature nothing is bound, and the challenge is not burnt",
    async (subject) => {
      const { fixture, instance, call } = subject;
      const binding = await begin(subject);
      const proofs = await fixture.wrongProofs(binding.challenge);
      check(proofs.length > 0, "the fixture has no wrong proof");
      for (const proof of proofs)
        await expectRefusal(instance.provision(ada, proof, call()), ["ERR_WALLET_PROOF"], "a false proof");
      await expectWallets(subject, ada, []);
      await expectBound(subject, binding);
    },
  ),
  define("WAL-06", "another wallet's signature does not bind, and does not burn the challenge", async (subject) => {
    const { fixture, instance, call } = subject;
    const binding = await begin(subject);
    const answer = await fixture.wallets[1].prove(binding.challenge);
    await expectRefusal(instance.provision(ada, answer, call()), ["ERR_WALLET_PROOF"], "another wallet's signature");
    await expectWallets(subject, ada, []);
    await expectBound(subject, binding);
  }),
  define("WAL-07", "a challenge made for one account serves no other", async (subject) => {
    const { instance, call } = subject;
    const binding = await begin(subject, ada);
    const attempt = instance.provision(ben, binding.answer, call());
    await expectRefusal(attempt, ["ERR_WALLET_CHALLENGE", "ERR_WALLET_PROOF"], "another account's challenge");
    await expectWallets(subject, ben, []);
    await expectBound(subject, binding);
  }),
  define("WAL-08", "the signature for one challenge does not serve another", async (subject) => {
    const { fixture, instance, call } = subject;
    const [one, other] = [await begin(subject), await begin(subject)];
    const moved = fixture.withId(other.answer, one.challenge.id);
    await expectRefusal(instance.provision(ada, moved, call()), ["ERR_WALLET_PROOF"], "another challenge's signature");
    await expectBound(subject, one);
  }),
  define("WAL-09", "binding again is the same handle", async (subject) => {
    const first = await expectBound(subject, await begin(subject));
    const second = await expectBound(subject, await begin(subject));
    check(isSameJson(first, second), "the second handle is another one");
    await expectWallets(subject, ada, [subject.fixture.wallets[0]]);
  }),
  define("WAL-10", "an address bound to another account is refused, and stays where it is", async (subject) => {
    const { fixture } = subject;
    await expectBound(subject, await begin(subject, ada));
    const rebind = async (): Promise<unknown> => expectBound(subject, await begin(subject, ben));
    const error = await expectRefusal(rebind(), ["ERR_WALLET_BOUND"], "an address of another account");
    check(!JSON.stringify([error.message, error.facts]).includes(ada), "the refusal tells whose address it is");
    await expectWallets(subject, ada, [fixture.wallets[0]]);
    await expectWallets(subject, ben, []);
  }),
  define("WAL-11", "of two accounts that bind one address at the same moment exactly one gets it", async (subject) => {
    const other = await subject.open();
    const [mine, theirs] = [await begin(subject, ada), await begin(subject, ben)];
    const results = await Promise.allSettled([
      subject.instance.provision(ada, mine.answer, subject.call()),
      other.provision(ben, theirs.answer, subject.call()),
    ]);
    const lost = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
    check(lost.length === 1, `${2 - lost.length} of two accounts got the address`);
    await expectRefusal(Promise.reject(lost[0] ?? new Error("none")), ["ERR_WALLET_BOUND"], "the one who came second");
    const winner = results[0].status === "fulfilled" ? ada : ben;
    await expectWallets(subject, winner, [subject.fixture.wallets[0]]);
    await expectWallets(subject, winner === ada ? ben : ada, []);
  }),
  define("WAL-12", "an account sees its own wallets and no other's, and may have several", async (subject) => {
    const [first, second] = subject.fixture.wallets;
    await expectBound(subject, await begin(subject, ada, 0));
    await expectBound(subject, await begin(subject, ben, 1));
    await expectWallets(subject, ada, [first]);
    await expectWallets(subject, ben, [second]);
    for (const account of ["00".repeat(32), "", ada.slice(0, 10), "%", "__proto__"])
      await expectWallets(subject, account, []);
    const fresh = await subject.open(subject.makeHost());
    for (const which of [0, 1] as const) await expectBound(subject, await begin(subject, ada, which, fresh), fresh);
    check((await fresh.lookup(ada, subject.call())).length === 2, "an account cannot have two wallets");
  }),
  define("WAL-13", "a binding and a challenge outlive the instance that made them", async (subject) => {
    await expectBound(subject, await begin(subject, ada, 0));
    const open = await begin(subject, ada, 1);
    await subject.instance.close();
    const next = await subject.open();
    await expectBound(subject, open, next);
    check((await next.lookup(ada, subject.call())).length === 2, "a binding did not survive");
    const rebind = async (): Promise<unknown> => expectBound(subject, await begin(subject, ben, 0, next), next);
    await expectRefusal(rebind(), ["ERR_WALLET_BOUND"], "an address bound before the restart");
  }),
  define("WAL-14", "a key that the person keeps signs nothing here", async (subject) => {
    const { fixture, instance, call } = subject;
    const { account, wallet } = await begin(subject);
    const request = { account, address: wallet.handle.address, payload: Uint8Array.of(1, 2, 3) };
    const canSign = fixture.plugin.capabilities.includes("sign");
    check(!canSign || instance.sign !== undefined, "it declares sign and has none");
    const [unbound] = await Promise.allSettled([instance.sign?.(request, call())]);
    const isSigned = unbound?.status === "fulfilled" && unbound.value !== undefined;
    check(!isSigned, "it signs for a wallet that is not bound");
    if (canSign || instance.sign === undefined) return;
    await expectBound(subject, await begin(subject));
    const attempt = instance.sign(request, call());
    const error = await expectRefusal(attempt, ["ERR_WALLET_UNSUPPORTED"], "signing with a key that the person keeps");
    check(error.message !== "", `the refusal says nothing: ${describe(error)}`);
  }),
];
