import { readdir, rm } from "node:fs/promises";
import { AgentKeysError } from "@agentkeys/core";
import * as v from "valibot";
import type { Home } from "../home.ts";
import { tryParseJson } from "../json.ts";
import { isMissing, readPrivate, writePrivate } from "../private-file.ts";
import { UsageError } from "../usage-error.ts";
import { openKeychain } from "./keychain.ts";

/** Where the locked wallet lies. */
export type WalletPlace = "keychain" | "file";

const walletSchema = v.variant("store", [
  v.strictObject({
    version: v.literal(1),
    address: v.string(),
    path: v.string(),
    store: v.literal("file"),
    keystore: v.record(v.string(), v.unknown()),
  }),
  v.strictObject({
    version: v.literal(1),
    address: v.string(),
    path: v.string(),
    store: v.literal("keychain"),
  }),
]);

/** A wallet kept here, still locked. */
export interface StoredWallet {
  /** EIP-55 address. */
  readonly address: string;
  readonly place: WalletPlace;
  /** Web3 Secret Storage JSON. */
  readonly keystore: string;
}

/** A new wallet to be kept. */
export interface WalletToStore {
  readonly address: string;
  readonly path: string;
  readonly keystore: string;
}

/** Throws a UsageError for a name that is no file name of ours. */
export function assertName(what: string, name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/u.test(name)) {
    throw new UsageError(`a ${what}'s name is 1 to 64 letters, digits, - and _`);
  }
}

/** Throws ERR_WALLET_EXISTS where the name is taken. */
export async function assertFree(home: Home, name: string): Promise<void> {
  assertName("wallet", name);
  if ((await readPrivate(home.wallet(name))) !== undefined) {
    throw new AgentKeysError("ERR_WALLET_EXISTS", `wallet ${JSON.stringify(name)} is kept here already`, { name });
  }
}

/**
 * Keeps a locked wallet: in the keychain, or in a file where no keychain works. A place that is named is the only one tried.
 * Answers where it lies, with the reason where the keychain was tried in vain.
 */
export async function storeWallet(
  home: Home,
  name: string,
  wallet: WalletToStore,
  wanted: WalletPlace | undefined,
): Promise<{ readonly place: WalletPlace; readonly reason?: string }> {
  const { address, path, keystore } = wallet;
  const common = { version: 1, address, path } as const;
  const failure = wanted === "file" ? undefined : await tryKeychain(address, keystore);
  if (wanted !== "file" && failure === undefined) {
    await writeWallet(home.wallet(name), { ...common, store: "keychain" });
    return { place: "keychain" };
  }
  if (wanted === "keychain") {
    const reason = failure?.message ?? "there is none";
    throw new AgentKeysError("ERR_CONFIG_SECRET", `no keychain works here: ${reason}`, {
      reference: "keychain",
      reason,
    });
  }
  const parsed = JSON.parse(keystore) as Record<string, unknown>;
  await writeWallet(home.wallet(name), { ...common, store: "file", keystore: parsed });
  return failure === undefined ? { place: "file" } : { place: "file", reason: failure.message };
}

/** A wallet kept here, as its file tells of it: nothing is opened for that. */
export interface ListedWallet {
  readonly name: string;
  readonly address: string;
  readonly path: string;
  readonly place: WalletPlace;
}

/** Every wallet kept here, by name. Throws ERR_CONFIG_KEY_FILE for a damaged file. */
export async function listStoredWallets(home: Home): Promise<readonly ListedWallet[]> {
  const files = await readdir(home.wallets).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const names = files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length));
  return Promise.all(
    names.toSorted().map(async (name) => {
      const { address, path, store } = await readWalletFile(home, name);
      return { name, address, path, place: store };
    }),
  );
}

/** Takes a wallet off this machine: out of the keychain where it lies there, then its file. */
export async function removeWallet(home: Home, name: string): Promise<void> {
  const { address, store } = await readWalletFile(home, name);
  if (store === "keychain") await (await openKeychain()).remove(address);
  await rm(home.wallet(name));
}

/** The wallet of a name. Throws ERR_WALLET_NOT_FOUND, ERR_CONFIG_KEY_FILE for a damaged one. */
export async function readWallet(home: Home, name: string): Promise<StoredWallet> {
  const wallet = await readWalletFile(home, name);
  if (wallet.store === "file") {
    return { address: wallet.address, place: "file", keystore: JSON.stringify(wallet.keystore) };
  }
  const path = home.wallet(name);
  const keystore = await (await openKeychain()).get(wallet.address).catch((error: unknown) => {
    throw damaged(path, `the keychain does not answer: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (keystore === undefined) throw damaged(path, "the keychain no longer has it; restore it from its words");
  return { address: wallet.address, place: "keychain", keystore };
}

async function readWalletFile(home: Home, name: string): Promise<v.InferOutput<typeof walletSchema>> {
  assertName("wallet", name);
  const path = home.wallet(name);
  const text = await readPrivate(path);
  if (text === undefined) {
    throw new AgentKeysError("ERR_WALLET_NOT_FOUND", `no wallet ${JSON.stringify(name)} under ${home.path}`, { name });
  }
  const parsed = v.safeParse(walletSchema, tryParseJson(text));
  if (!parsed.success) throw damaged(path, "it is not a wallet file");
  return parsed.output;
}

async function tryKeychain(address: string, keystore: string): Promise<Error | undefined> {
  try {
    await (await openKeychain()).put(address, keystore);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function writeWallet(path: string, wallet: v.InferInput<typeof walletSchema>): Promise<void> {
  await writePrivate(path, `${JSON.stringify(wallet, undefined, 2)}\n`);
}

function damaged(path: string, reason: string): AgentKeysError {
  return new AgentKeysError("ERR_CONFIG_KEY_FILE", `${path}: ${reason}`, { path, reason });
}
