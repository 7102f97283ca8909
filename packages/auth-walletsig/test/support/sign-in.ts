import { isAgentKeysError, type Challenge, type Json, type UserAuthMethod } from "@agentkeys/core";
import { createCall, createFakeHost, type FakeHost } from "@agentkeys/testkit";
import { Wallet } from "ethers";
import walletsig from "../../src/index.ts";

/** Two people's keys. TEST ONLY: everybody can make them. */
export const ada: Wallet = new Wallet(`0x${"a1".repeat(32)}`);
export const grace: Wallet = new Wallet(`0x${"b2".repeat(32)}`);

/** The plug-in opened as the broker opens it, with its host and a call to make. */
export interface OpenMethod {
  readonly host: FakeHost;
  readonly method: UserAuthMethod;
  readonly start: (wallet?: Wallet, chainId?: number) => Promise<Challenge>;
  readonly finish: (answer: Json) => ReturnType<UserAuthMethod["finish"]>;
}

/** Opens the plug-in with a section, over a host. */
export async function openMethod(section: unknown = {}, host: FakeHost = createFakeHost()): Promise<OpenMethod> {
  const checked = await walletsig.config["~standard"].validate(section);
  if (checked.issues !== undefined) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  const method = await walletsig.create(checked.value, host);
  return {
    host,
    method,
    start: (wallet = ada, chainId = 1) =>
      method.start({ address: wallet.address, chain_id: chainId }, createCall(host)),
    finish: (answer) => method.finish(answer, createCall(host)),
  };
}

/** The text of a challenge. */
export function messageOf(challenge: Challenge): string {
  return challenge.public["message"] as string;
}

/** The answer of a wallet: its signature over the challenge's text, or over another one. */
export async function answerOf(
  challenge: Challenge,
  wallet: Wallet = ada,
  message: string = messageOf(challenge),
): Promise<{ readonly challenge_id: string; readonly message: string; readonly signature: string }> {
  return { challenge_id: challenge.id, message, signature: await wallet.signMessage(message) };
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
