import type { Challenge, Json, WalletHandle, WalletProvisioner } from "@agentkeys/core";
import { check, isSameJson } from "../expect.ts";
import { defineCase, type Subject } from "../subject.ts";
import type { TestWallet, WalletFixture } from "./wallet-fixture.ts";

/** A wallet provisioner opened for one case. */
export type WalletSubject = Subject<WalletFixture, WalletProvisioner>;

/** A binding under way. */
export interface Binding {
  readonly account: string;
  readonly wallet: TestWallet;
  readonly challenge: Challenge;
  readonly answer: Json;
}

/** Two accounts, as OmniAccounts. */
export const ada: string = "ad".repeat(32);
/** See {@link ada}. */
export const ben: string = "be".repeat(32);

/** Defines a case of the wallet contract. */
export const defineWalletCase: typeof defineCase<WalletFixture, WalletProvisioner> = defineCase<
  WalletFixture,
  WalletProvisioner
>;

/** Starts to bind one of the two wallets to an account, and makes the owner's true answer. */
export async function begin(
  subject: WalletSubject,
  account = ada,
  which: 0 | 1 = 0,
  instance = subject.instance,
): Promise<Binding> {
  const wallet = subject.fixture.wallets[which];
  const challenge = await instance.start(account, wallet.ask, subject.call());
  return { account, wallet, challenge, answer: await wallet.prove(challenge) };
}

/** Gives the true answer. Fails the case unless the wallet's handle comes of it and is looked up after. */
export async function expectBound(
  subject: WalletSubject,
  { account, wallet, answer }: Binding,
  instance = subject.instance,
): Promise<WalletHandle> {
  const handle = await instance.provision(account, answer, subject.call());
  check(isSameJson(handle, wallet.handle), `it binds ${JSON.stringify(handle)}, not ${JSON.stringify(wallet.handle)}`);
  const handles = await instance.lookup(account, subject.call());
  check(
    handles.some((one) => isSameJson(one, handle)),
    "what was bound is not looked up",
  );
  return handle;
}

/** Fails the case unless the account has exactly these wallets, in whatever order. */
export async function expectWallets(
  subject: WalletSubject,
  account: string,
  wallets: readonly TestWallet[],
): Promise<void> {
  const handles = await subject.instance.lookup(account, subject.call());
  const found = handles.map(({ address }) => address).toSorted();
  const expected = wallets.map(({ handle }) => handle.address).toSorted();
  check(isSameJson(found, expected), `an account has ${found.length} wallets, not ${expected.length}, or another's`);
}
