import {
  AgentKeysError,
  canonicalAddress,
  isIdentifier,
  newIdentifier,
  type Json,
  type PluginHost,
  type WalletHandle,
  type WalletProvisioner,
} from "@agentkeys/core";
import * as v from "valibot";
import { formatBindingMessage } from "./binding-message.ts";
import type { KeystoreSettings } from "./config.ts";
import { findSignatureFault, recoverSigner } from "./personal-signature.ts";

/** Most wallets of an account that `lookup` answers: what the host's store lists at once. */
const mostListed = 1000;

const startBody = v.strictObject({ address: v.string() });
const provisionBody = v.strictObject({
  challenge_id: v.pipe(v.string(), v.maxLength(64)),
  signature: v.pipe(v.string(), v.maxLength(256)),
});

/** What the store keeps of a challenge. */
interface PendingBinding {
  readonly account: string;
  readonly address: string;
  readonly message: string;
}

/** Whose an address is: what the store keeps of a binding, under the address, for good. */
interface Binding {
  readonly account: string;
  readonly boundAt: number;
}

/**
 * Binds wallets whose key the person keeps. Whose an address is stands in one place, `address:evm:<address>`, claimed by the first
 * account that proves it. `account:<account>:evm:<address>` is only where to look: it is written before the claim and believed only
 * as far as the claim agrees, so that a crash or a race between the two leaves nothing that lookup could get wrong.
 */
export function openKeystore({ challengeSeconds }: KeystoreSettings, host: PluginHost): WalletProvisioner {
  const { store } = host;

  const readBinding = async (address: string): Promise<Binding | undefined> =>
    (await store.get(addressKey(address))) as unknown as Binding | undefined;

  async function bind(account: string, address: string): Promise<void> {
    await store.put(accountKey(account, address), address);
    const binding: Binding = { account, boundAt: host.now() };
    if (await store.claim(addressKey(address), { ...binding })) return;
    if ((await readBinding(address))?.account === account) return;
    await store.delete(accountKey(account, address));
    throw new AgentKeysError("ERR_WALLET_BOUND", "this address is bound to another account", { address });
  }

  return {
    async start(account, ask) {
      const address = canonicalAddress(parse(startBody, ask).address);
      const id = newIdentifier("chl", host.random(16));
      const nonce = Buffer.from(host.random(16)).toString("hex");
      const expiresAt = host.now() + challengeSeconds * 1000;
      const message = formatBindingMessage({ publicUrl: host.publicUrl, account, address, nonce, expiresAt });
      const pending: PendingBinding = { account, address, message };
      await store.put(challengeKey(id), { ...pending }, challengeSeconds);
      return { id, expiresAt, public: { message } };
    },

    async provision(account, answer) {
      const { challenge_id: id, signature } = parse(provisionBody, answer);
      const stored = isIdentifier("chl", id) ? await store.get(challengeKey(id)) : undefined;
      const pending = stored as unknown as PendingBinding | undefined;
      if (pending === undefined || pending.account !== account) throw noChallenge();
      const { address, message } = pending;
      const fault = findSignatureFault(signature);
      if (fault !== undefined) throw wrongProof(fault);
      if ((await recoverSigner(message, signature)) !== address)
        throw wrongProof("the signature is not by the address over the challenge's text");
      if ((await store.take(challengeKey(id))) === undefined) throw noChallenge();
      // After the proof: only the holder of a key learns that its address is another account's.
      await bind(account, address);
      return handleOf(address);
    },

    async lookup(account) {
      const addresses = (await store.list(accountKey(account, ""), mostListed)).map(({ value }) => value as string);
      const found = await Promise.all(
        addresses.map(async (address) => ({ address, binding: await readBinding(address) })),
      );
      return found
        .filter(({ binding }) => binding?.account === account)
        .toSorted((one, other) => (one.binding?.boundAt ?? 0) - (other.binding?.boundAt ?? 0))
        .map(({ address }) => handleOf(address));
    },

    async sign() {
      const reason = "the person keeps the key of this wallet and signs with it";
      throw new AgentKeysError("ERR_WALLET_UNSUPPORTED", reason, { operation: "sign" });
    },

    ready: async () => ({ status: "ready" }),
    close: async () => undefined,
  };
}

function challengeKey(id: string): string {
  return `challenge:${id}`;
}

function addressKey(address: string): string {
  return `address:evm:${address}`;
}

function accountKey(account: string, address: string): string {
  return `account:${account}:evm:${address}`;
}

function handleOf(address: string): WalletHandle {
  return { address, family: "evm", custody: "person" };
}

function parse<Shape>(shape: v.GenericSchema<unknown, Shape>, value: Json): Shape {
  const parsed = v.safeParse(shape, value);
  if (parsed.success) return parsed.output;
  // Cut: an issue may quote what was sent.
  const issues = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "(root)"}: ${issue.message}`.slice(0, 200));
  throw new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}

function noChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_WALLET_CHALLENGE", "the challenge is unknown, used or expired", {});
}

function wrongProof(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_WALLET_PROOF", reason, { reason });
}
