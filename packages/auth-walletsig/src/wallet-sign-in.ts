import {
  AgentKeysError,
  canonicalIdentity,
  isIdentifier,
  newIdentifier,
  type Json,
  type PluginHost,
  type UserAuthMethod,
} from "@agentkeys/core";
import * as v from "valibot";
import type { WalletsigSettings } from "./config.ts";
import { findSignatureFault, recoverSigner } from "./personal-signature.ts";
import { findDisagreement, formatSignInMessage } from "./sign-in-message.ts";

const startBody = v.strictObject({ address: v.string(), chain_id: v.number() });
const finishBody = v.strictObject({
  challenge_id: v.pipe(v.string(), v.maxLength(64)),
  message: v.pipe(v.string(), v.maxLength(4096)),
  signature: v.pipe(v.string(), v.maxLength(256)),
});

/** What the store keeps of a challenge. */
interface PendingSignIn {
  readonly address: string;
  readonly message: string;
  readonly expiresAt: number;
}

/**
 * Sign-in by a wallet's signature. The broker writes the message and checks the signature over the text it kept; a message that the
 * client built is taken when it agrees with that text in everything that binds it.
 *
 * A wrong signature leaves the challenge as it is: only who started it knows its id, and only the key's holder can use it up. How many
 * are tried is the host's to limit, before each call.
 */
export function openWalletSignIn({ chainIds, challengeSeconds }: WalletsigSettings, host: PluginHost): UserAuthMethod {
  const { store } = host;
  return {
    async start(ask) {
      const { address: raw, chain_id: chainId } = parse(startBody, ask);
      const { value: address } = canonicalIdentity("evm", raw);
      if (!chainIds.includes(chainId)) throw malformed([`chain_id: expected one of ${chainIds.join(", ")}`]);
      const id = newIdentifier("chl", host.random(16));
      const nonce = Buffer.from(host.random(16)).toString("hex");
      // Whole seconds, so that a client which builds its own message can name the same end from `expires_at`.
      const issuedAt = Math.floor(host.now() / 1000) * 1000;
      const expiresAt = issuedAt + challengeSeconds * 1000;
      const message = formatSignInMessage({ publicUrl: host.publicUrl, address, chainId, nonce, issuedAt, expiresAt });
      const pending: PendingSignIn = { address, message, expiresAt };
      await store.put(challengeKey(id), { ...pending }, challengeSeconds);
      return { id, expiresAt, public: { message } };
    },

    async finish(answer) {
      const { challenge_id: id, message, signature } = parse(finishBody, answer);
      const pending = isIdentifier("chl", id) ? await store.get(challengeKey(id)) : undefined;
      const { address, message: ours, expiresAt } = readPending(pending);
      if (expiresAt <= host.now()) throw noChallenge();
      const fault = findSignatureFault(signature);
      if (fault !== undefined) throw wrongProof(fault);
      if ((await recoverSigner(message, signature)) !== address)
        throw wrongProof("the signature is not by the address over this message");
      // Parsed last: only what the address has signed is worth the parser's time.
      const disagreement = message === ours ? undefined : await findDisagreement(message, ours);
      if (disagreement !== undefined) throw wrongProof(disagreement);
      if ((await store.take(challengeKey(id))) === undefined) throw noChallenge();
      return { challengeId: id, identity: { type: "evm", value: address }, amr: ["swk"] };
    },

    ready: async () => ({ status: "ready" }),
    close: async () => undefined,
  };
}

function challengeKey(id: string): string {
  return `challenge:${id}`;
}

function readPending(stored: Json | undefined): PendingSignIn {
  if (stored === undefined) throw noChallenge();
  return stored as unknown as PendingSignIn;
}

function parse<Shape>(shape: v.GenericSchema<unknown, Shape>, value: Json): Shape {
  const parsed = v.safeParse(shape, value);
  if (parsed.success) return parsed.output;
  // Cut: an issue may quote what was sent.
  throw malformed(parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "(root)"}: ${issue.message}`.slice(0, 200)));
}

function malformed(issues: readonly string[]): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}

function noChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
}

function wrongProof(reason: string): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_PROOF", reason, { reason });
}
