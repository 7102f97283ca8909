import { createPublicKey, verify } from "node:crypto";
import {
  AgentKeysError,
  definePlugin,
  newIdentifier,
  type HostStore,
  type Json,
  type PluginHost,
  type WalletHandle,
  type WalletProvisioner,
} from "@agentkeys/core";
import * as v from "valibot";
import { createFakeStore, makeSigner, type Signer, type TestWallet, type WalletFixture } from "../../src/index.ts";
import { forever, parse, turn, type HasFlaw } from "./schema.ts";

const seconds = 600;
const addressShape = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const askShape = v.strictObject({ address: addressShape });
const answerShape = v.strictObject({
  challenge_id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/u, "expected a challenge id")),
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/u)),
});
type Pending = { account: string; address: string; message: string };

const signers = [makeSigner("wallet one"), makeSigner("wallet other")] as const;

/** Binds an Ed25519 key, whose hex is the address, by its signature over the challenge's message. */
async function open(host: PluginHost, has: HasFlaw): Promise<WalletProvisioner> {
  const store: HostStore = has("keeps bindings in memory") ? createFakeStore(() => host.now()) : host.store;
  const used = new Set<string>();
  let count = 0;
  const unknown = (message = "the challenge is unknown, used or expired"): AgentKeysError =>
    new AgentKeysError("ERR_WALLET_CHALLENGE", message, {});

  const bind = async (account: string, address: string): Promise<void> => {
    const key = `owner:${address}`;
    const owner = await store.get(key);
    if (has("lets the second in")) {
      await turn();
      if (owner === undefined) await store.put(key, account);
    } else if (has("moves what is bound")) await store.put(key, account);
    else if (!(await store.claim(key, account)) && (await store.get(key)) !== account) {
      const shown = has("tells whose it is")
        ? `${address} of ${account === owner ? "" : JSON.stringify(owner)}`
        : address;
      throw new AgentKeysError("ERR_WALLET_BOUND", "this address belongs to another account", { address: shown });
    }
    if (has("forgets what it bound")) return;
    const place = has("binds anew each time") ? `${address}:${Buffer.from(host.random(4)).toString("hex")}` : address;
    await store.put(has("has one wallet each") ? `wallet:${account}:only` : `wallet:${account}:${place}`, address);
  };

  return {
    async start(account, ask, call) {
      if (has("never ends an aborted call") && call.signal.aborted) await forever();
      const { address } = has("trusts what is asked") ? (ask as { address: string }) : parse(askShape, ask);
      count += 1;
      const id = has("counts its challenges")
        ? `wch_${String(count).padStart(26, "0")}`
        : newIdentifier("wch", host.random(16));
      const message = has("signs no id") ? "bind this wallet" : `bind this wallet to ${account}: ${id}`;
      await store.put(id, { account, address, message }, has("never expires") ? 100 * seconds : seconds);
      const shown = has("shows a reserved name") ? { message, challenge_id: id } : { message };
      if (has("shows what JSON has not")) Object.assign(shown, { bytes: Uint8Array.of(1) });
      return { id, expiresAt: host.now() + seconds * 1000, public: shown };
    },

    async provision(account, answer, call) {
      if (has("never ends an aborted call") && call.signal.aborted) await forever();
      const { challenge_id: id, signature } = has("trusts what is answered")
        ? (answer as { challenge_id: string; signature: string })
        : parse(answerShape, answer);
      const found = has("burns what it looks at") ? await store.take(id) : await store.get(id);
      if (found === undefined)
        throw unknown(has("tells used from unknown") && used.has(id) ? "used before" : undefined);
      const { account: owner, address, message } = found as Pending;
      if (owner !== account && !has("serves every account")) throw unknown();
      if (has("logs the signature")) host.log("info", "provision", { signature });
      const others = has("takes any known wallet") ? signers.map(addressOf) : [];
      if (!has("verifies nothing") && ![address, ...others].some((one) => isSigned(one, message, signature))) {
        const reason = has("tells the signature") ? `${signature} does not hold` : "the signature does not hold";
        throw new AgentKeysError("ERR_WALLET_PROOF", reason, { reason });
      }
      if (has("peeks, then deletes")) {
        await turn();
        await store.delete(id);
      } else if (!has("takes nothing") && !has("burns what it looks at") && (await store.take(id)) === undefined)
        throw unknown();
      used.add(id);
      await bind(account, address);
      return handleOf(has("binds another address") ? `${address.slice(1)}0` : address);
    },

    async lookup(account, call) {
      if (has("never ends an aborted call") && call.signal.aborted) await forever();
      const prefix = has("looks up by the start of an account") ? `wallet:${account}` : `wallet:${account}:`;
      const rows = await store.list(has("shows everybody's") ? "wallet:" : prefix);
      return rows.map(({ value }) => handleOf(value as string));
    },

    ...(has("declares sign and has none") ? {} : { sign: async ({ address }) => signWith(address, has) }),
    ready: async () => ({ status: "ready" }),
    close: async () => undefined,
  };
}

async function signWith(address: string, has: HasFlaw): Promise<{ readonly bytes: Uint8Array }> {
  if (has("signs for anybody")) return { bytes: new Uint8Array(64) };
  if (has("fails to sign with another code")) throw new AgentKeysError("ERR_INTERNAL", address, {});
  throw new AgentKeysError("ERR_WALLET_UNSUPPORTED", "the person's own device signs", { operation: "sign" });
}

/** The provisioner with two wallets. */
export function makeWalletFixture(has: HasFlaw = () => false): WalletFixture {
  return {
    plugin: definePlugin({
      kind: "wallet",
      name: "signed",
      apiVersion: 1,
      capabilities: has("declares sign and has none") ? ["sign"] : [],
      config: v.strictObject({}),
      create: async (_section, host) => open(host, has),
    }),
    config: {},
    wallets: [walletOf(signers[0]), walletOf(signers[1])],
    wrongProofs: ({ id }) => [{ challenge_id: id, signature: "00".repeat(64) }],
    withId: (answer, id) => ({ ...(answer as object), challenge_id: id }),
    malformedAsks: [{ address: "0x" }],
  };
}

function walletOf(signer: Signer): TestWallet {
  return {
    ask: { address: addressOf(signer) },
    handle: handleOf(addressOf(signer)),
    prove({ id, public: { message } }) {
      const bytes = Buffer.from(textOf(message));
      return { challenge_id: id, signature: Buffer.from(signer.sign(bytes)).toString("hex") };
    },
  };
}

function textOf(member: Json | undefined): string {
  return typeof member === "string" ? member : "";
}

function addressOf({ publicKey }: Signer): string {
  return Buffer.from(publicKey).toString("hex");
}

function handleOf(address: string): WalletHandle {
  return { address, family: "solana", custody: "person" };
}

function isSigned(address: string, message: string, signature: string): boolean {
  const der = Buffer.from(`302a300506032b6570032100${address}`, "hex");
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  return verify(null, Buffer.from(message), key, Buffer.from(signature, "hex"));
}
