import type { AsyncEntry } from "@napi-rs/keyring";

const service = "agentkeys";
const within = 10_000;

/** The operating system's keychain, for text under a name. */
export interface Keychain {
  put(name: string, text: string): Promise<void>;
  get(name: string): Promise<string | undefined>;
  /** Resolves too where there is nothing of that name. */
  remove(name: string): Promise<void>;
}

/**
 * The keychain of this session: Keychain on macOS, Credential Manager on Windows, the Secret Service on Linux. The Linux kernel's
 * keyring is not taken in its place, because it forgets at a restart. Throws where there is none, or where it does not answer.
 */
export async function openKeychain(): Promise<Keychain> {
  // Native code: loaded only when it is wanted, so that a machine it was not built for can do without.
  const keyring = await import("@napi-rs/keyring");
  const entry = (name: string): AsyncEntry =>
    new keyring.AsyncEntry(service, name, { linux: { store: "secret-service" } });
  return {
    async put(name, text) {
      await entry(name).setPassword(text, AbortSignal.timeout(within));
      if ((await entry(name).getPassword(AbortSignal.timeout(within))) !== text) {
        throw new Error("the keychain did not keep what it was given");
      }
    },
    async get(name) {
      return (await entry(name).getPassword(AbortSignal.timeout(within))) ?? undefined;
    },
    async remove(name) {
      if (((await entry(name).getPassword(AbortSignal.timeout(within))) ?? undefined) === undefined) return;
      await entry(name).deletePassword(AbortSignal.timeout(within));
    },
  };
}
