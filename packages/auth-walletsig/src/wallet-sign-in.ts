import {
  canonicalIdentity,
  isIdentifier,
  newIdentifier,
  type Call,
  type Identity,
  type Json,
  type PluginHost,
  type UserAuthMethod,
} from "@agentkeys/core";
import * as v from "valibot";
import type { Chain } from "./chain.ts";
import type { ChainName, WalletsigSettings } from "./config.ts";
import { findSignatureFault, isHexBytes, isWrapped } from "./personal-signature.ts";
import { RecoveryThread } from "./recovery-thread.ts";
import { malformed, noChallenge, wrongProof } from "./refusal.ts";
import { findDisagreement, formatSignInMessage, type SignInBinding } from "./sign-in-message.ts";
import { findAddressFault, isSolanaSignature } from "./solana-signature.ts";

const startBody = v.strictObject({ address: v.string(), chain_id: v.union([v.number(), v.string()]) });
const finishBody = v.strictObject({
  challenge_id: v.pipe(v.string(), v.maxLength(64)),
  message: v.pipe(v.string(), v.maxLength(4096)),
  // A wrapped signature holds the code of the wallet to be made.
  signature: v.pipe(v.string(), v.maxLength(32_770)),
});

/** What the store keeps of a challenge. */
interface PendingSignIn extends Omit<SignInBinding, "publicUrl"> {
  readonly message: string;
  readonly expiresAt: number;
}

/** What a sign-in was proven by. */
interface Proof {
  readonly identity: Identity;
  readonly amr: readonly string[];
}

/**
 * Sign-in by a wallet's signature. The broker writes the message and checks the signature over the text it kept; a message that the
 * client built is taken when it agrees with that text in everything that binds it.
 *
 * A wrong signature leaves the challenge as it is: only who started it knows its id, and only the key's holder can use it up. How many
 * are tried is the host's to limit, before each call.
 */
export function openWalletSignIn(
  { chainIds, challengeSeconds }: Pick<WalletsigSettings, "chainIds" | "challengeSeconds">,
  chains: ReadonlyMap<number, Chain>,
  host: PluginHost,
): UserAuthMethod {
  const { store } = host;
  const recovery = new RecoveryThread(host.name);

  /**
   * An account with nothing at its address, or with a delegation (EIP-7702: its key can end or change it at any time), is its key's:
   * the same identity on every chain. What else stands at an address answers for itself, and its owners may differ per chain.
   */
  async function proveEvm(pending: PendingSignIn, chainId: number, signed: SignedText, call: Call): Promise<Proof> {
    const { address } = pending;
    const { text, signature } = signed;
    const chain = chains.get(chainId);
    const kind = await chain?.findKind(address, call);
    if (kind !== "contract" && !isWrapped(signature)) {
      const fault = findSignatureFault(signature);
      if (fault === undefined && (await recovery.recover(text, signature)) === address)
        return { identity: { type: "evm", value: address }, amr: ["swk"] };
      if (kind !== "delegated") throw wrongProof(fault ?? notByAddress);
    }
    if (chain === undefined) throw wrongProof(`contract wallets of chain ${chainId} are not taken here`);
    if (!isHexBytes(signature)) throw wrongProof("the signature is not 0x and hex digits");
    if (!(await chain.isSignature(address, text, signature, call))) throw wrongProof(notByAddress);
    return { identity: { type: "eip155_contract", value: `${chainId}:${address}` }, amr: ["erc1271"] };
  }

  function proveSolana({ address }: PendingSignIn, { text, signature }: SignedText): Proof {
    if (!isSolanaSignature(address, text, signature)) throw wrongProof(notByAddress);
    return { identity: { type: "solana", value: address }, amr: ["swk"] };
  }

  return {
    async start(ask) {
      const { address: raw, chain_id: chainId } = parse(startBody, ask);
      if (!chainIds.includes(chainId)) throw malformed([`chain_id: expected one of ${chainIds.join(", ")}`]);
      const address = parseAddress(raw, chainId);
      const id = newIdentifier("chl", host.random(16));
      const nonce = Buffer.from(host.random(16)).toString("hex");
      // Whole seconds, so that a client which builds its own message can name the same end from `expires_at`.
      const issuedAt = Math.floor(host.now() / 1000) * 1000;
      const expiresAt = issuedAt + challengeSeconds * 1000;
      const message = formatSignInMessage({ publicUrl: host.publicUrl, address, chainId, nonce, issuedAt, expiresAt });
      const pending: PendingSignIn = { address, chainId, nonce, message, expiresAt };
      await store.put(challengeKey(id), { ...pending }, challengeSeconds);
      return { id, expiresAt, public: { message, nonce } };
    },

    async finish(answer, call) {
      const { challenge_id: id, message: text, signature } = parse(finishBody, answer);
      const found = isIdentifier("chl", id) ? await store.get(challengeKey(id)) : undefined;
      const pending = readPending(found);
      const { message: ours, chainId, expiresAt } = pending;
      const now = host.now();
      if (expiresAt <= now) throw noChallenge();
      // First what costs nothing: a key's arithmetic takes a millisecond, a chain a request.
      const binding = { ...pending, publicUrl: host.publicUrl };
      const disagreement = text === ours ? undefined : findDisagreement(text, binding, now);
      if (disagreement !== undefined) throw wrongProof(disagreement);
      const signed = { text, signature };
      const proof =
        typeof chainId === "number" ? await proveEvm(pending, chainId, signed, call) : proveSolana(pending, signed);
      // Taken last and by one: a wrong signature burns nothing, and of many right ones at once one wins.
      if ((await store.take(challengeKey(id))) === undefined || expiresAt <= host.now()) throw noChallenge();
      return { challengeId: id, ...proof };
    },

    async ready({ signal }) {
      const ask = async (chain: Chain): Promise<string | undefined> =>
        chain.assertIsChain(signal).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
      const faults = (await Promise.all([...chains.values()].map(ask))).filter((fault) => fault !== undefined);
      return faults.length === 0 ? { status: "ready" } : { status: "degraded", reason: faults.join("; ") };
    },
    close: () => recovery.close(),
  };
}

/** A text and what is to be its signature. */
interface SignedText {
  readonly text: string;
  readonly signature: string;
}

const notByAddress = "the signature is not by the address over this message";

/** The one spelling of an address of that chain. */
function parseAddress(raw: string, chainId: ChainName): string {
  if (typeof chainId === "number") return canonicalIdentity("evm", raw).value;
  const fault = findAddressFault(raw);
  if (fault !== undefined) throw malformed([`address: ${fault}`]);
  return raw;
}

function challengeKey(id: string): string {
  return `sign-in:${id}`;
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
