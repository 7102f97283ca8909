import { createPublicKey, verify } from "node:crypto";
import {
  AgentKeysError,
  type Json,
  newIdentifier,
  type PluginHost,
  type WalletHandle,
  type WalletProvisioner,
} from "@agentkeys/core";
import * as v from "valibot";
import { fromBase58 } from "./base58.ts";
import type { SolanaWalletConfig } from "./index.ts";

const Ask = v.strictObject({ address: v.pipe(v.string(), v.maxLength(64)) });
const Answer = v.strictObject({
  challenge_id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/u, "expected a challenge id")),
  signature: v.pipe(v.string(), v.maxLength(128)),
});
const Pending = v.strictObject({ account: v.string(), address: v.string(), message: v.string() });
const Binding = v.strictObject({ account: v.string() });

/**
 * Whose an address is stands in one entry, `address:<address>`, claimed by the first account that proves it.
 * `account:<account>:<address>` is only where to look: it is written before the claim and believed as far as the claim agrees, so
 * that a crash or a race between the two leaves nothing that `lookup` could get wrong.
 */
export function openSolanaWallet(config: SolanaWalletConfig, host: PluginHost): WalletProvisioner {
  const { store } = host;

  async function ownerOf(address: string): Promise<string | undefined> {
    const binding = v.safeParse(Binding, await store.get(`address:${address}`));
    return binding.success ? binding.output.account : undefined;
  }

  async function bind(account: string, address: string): Promise<void> {
    await store.put(`account:${account}:${address}`, address);
    if (await store.claim(`address:${address}`, { account })) return;
    if ((await ownerOf(address)) === account) return;
    await store.delete(`account:${account}:${address}`);
    throw new AgentKeysError("ERR_WALLET_BOUND", "this address is bound to another account", { address });
  }

  return {
    async start(account, ask) {
      const { address } = parse(Ask, ask);
      if (fromBase58(address, 32) === undefined) throw malformed(["address: expected a Solana address"]);
      const id = newIdentifier("sol", host.random(16));
      const expiresAt = host.now() + config.challenge_seconds * 1000;
      const message = [
        `Bind this wallet to an account of ${host.publicUrl}`,
        `Account: ${account}`,
        `Wallet: ${address}`,
        `Challenge: ${id}`,
        `Until: ${new Date(expiresAt).toISOString()}`,
        "This moves no funds and lets nobody spend.",
      ].join("\n");
      await store.put(`challenge:${id}`, { account, address, message }, config.challenge_seconds);
      return { id, expiresAt, public: { message } };
    },

    async provision(account, answer) {
      const { challenge_id, signature } = parse(Answer, answer);
      // Looked at first and taken only with a proof that holds: a stranger's wrong signature burns nothing.
      const pending = v.safeParse(Pending, await store.get(`challenge:${challenge_id}`));
      if (!pending.success || pending.output.account !== account) throw unknownChallenge();
      const { address, message } = pending.output;
      if (!isSignedBy(address, message, signature)) {
        const reason = "the signature is not by this wallet over this message";
        throw new AgentKeysError("ERR_WALLET_PROOF", reason, { reason });
      }
      if ((await store.take(`challenge:${challenge_id}`)) === undefined) throw unknownChallenge();
      await bind(account, address);
      return handleOf(address);
    },

    async lookup(account) {
      const found: WalletHandle[] = [];
      for (const { value } of await store.list(`account:${account}:`, 1000)) {
        const address = v.parse(v.string(), value);
        if ((await ownerOf(address)) === account) found.push(handleOf(address));
      }
      return found;
    },

    ready: async () => ({ status: "ready" }),
    close: async () => {},
  };
}

/** Ed25519 (RFC 8032) over the message's UTF-8 bytes, as a Solana wallet's `signMessage` makes it. Never throws. */
function isSignedBy(address: string, message: string, signature: string): boolean {
  const [key, bytes] = [fromBase58(address, 32), fromBase58(signature, 64)];
  if (key === undefined || bytes === undefined) return false;
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(key).toString("base64url") };
  return verify(null, Buffer.from(message), createPublicKey({ key: jwk, format: "jwk" }), bytes);
}

function handleOf(address: string): WalletHandle {
  return { address, family: "solana", custody: "person" };
}

function parse<Value>(schema: v.GenericSchema<unknown, Value>, value: Json): Value {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  // What was expected and where, in short: an error must not repeat what it was sent.
  const issues = result.issues.map(
    (issue) => `${v.getDotPath(issue)?.slice(0, 64) ?? "(root)"}: expected ${issue.expected}`,
  );
  throw malformed(issues);
}

function malformed(issues: readonly string[]): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}

function unknownChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_WALLET_CHALLENGE", "the challenge is unknown, used or expired", {});
}
