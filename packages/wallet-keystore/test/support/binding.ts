import { isAgentKeysError, type Challenge, type Json, type PluginHost, type WalletProvisioner } from "@agentkeys/core";
import { createCall, createFakeHost, type FakeHost } from "@agentkeys/testkit";
import { Wallet } from "ethers";
import keystore from "../../src/index.ts";

/** Two accounts. */
export const ada: string = "ad".repeat(32);
export const ben: string = "be".repeat(32);

/** Three wallets. TEST ONLY: everybody can make their keys. */
export const wallets: readonly [Wallet, Wallet, Wallet] = [
  new Wallet(`0x${"a1".repeat(32)}`),
  new Wallet(`0x${"b2".repeat(32)}`),
  new Wallet(`0x${"c3".repeat(32)}`),
];

/** The handle of a wallet that is bound. */
export function handleOf(wallet: Wallet): object {
  return { address: wallet.address.toLowerCase(), family: "evm", custody: "person" };
}

/** The plug-in opened as the broker opens it, with its host and calls to make. */
export interface OpenProvisioner {
  readonly host: FakeHost;
  readonly provisioner: WalletProvisioner;
  readonly start: (account: string, wallet: Wallet) => Promise<Challenge>;
  readonly provision: (account: string, answer: Json) => ReturnType<WalletProvisioner["provision"]>;
  readonly lookup: (account: string) => ReturnType<WalletProvisioner["lookup"]>;
  /** Start, signature and provision in one. */
  readonly bind: (account: string, wallet: Wallet) => ReturnType<WalletProvisioner["provision"]>;
}

/** Opens the plug-in with a section. `lent` is put in place of what the fake host lends. */
export async function openProvisioner(
  section: unknown = {},
  host: FakeHost = createFakeHost(),
  lent: Partial<PluginHost> = {},
): Promise<OpenProvisioner> {
  const checked = await keystore.config["~standard"].validate(section);
  if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  const provisioner = await keystore.create(checked.value, Object.assign(Object.create(host), lent) as PluginHost);
  const start = async (account: string, { address }: Wallet): Promise<Challenge> =>
    provisioner.start(account, { address }, createCall(host));
  return {
    host,
    provisioner,
    start,
    provision: (account, answer) => provisioner.provision(account, answer, createCall(host)),
    lookup: (account) => provisioner.lookup(account, createCall(host)),
    bind: async (account, wallet) =>
      provisioner.provision(account, await answerOf(await start(account, wallet), wallet), createCall(host)),
  };
}

/** The text of a challenge. */
export function messageOf(challenge: Challenge): string {
  return challenge.public["message"] as string;
}

/** The answer of a wallet: its signature over the challenge's text, or over another one. */
export async function answerOf(
  challenge: Challenge,
  wallet: Wallet,
  message: string = messageOf(challenge),
): Promise<{ readonly challenge_id: string; readonly signature: string }> {
  return { challenge_id: challenge.id, signature: await wallet.signMessage(message) };
}

/** Code and message that `work` fails with, or `no error`. */
export async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "no error";
  } catch (error) {
    return isAgentKeysError(error) ? `${error.code}: ${error.message}` : String(error);
  }
}
