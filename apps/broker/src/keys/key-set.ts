import { randomBytes } from "node:crypto";
import { link, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../files/durable.ts";
import { openKeyFile, type KeyForm } from "./key-file.ts";
import type { SigningKey } from "./keys.ts";

/** The keys of one purpose: one that signs, one that will, and those whose signatures are still about. */
export interface KeySet {
  /** Signs from here on. */
  readonly current: SigningKey;
  /** Every key whose signatures count: the current one, the next one (shown before it signs), and the retired ones in their time. */
  live(): readonly SigningKey[];
  /** Makes the next key the current one. Durable when it resolves; after a crash within it, the keys are those of before or after. */
  rotate(): Promise<SigningKey>;
}

/** How a set of keys is opened. */
export interface KeySetOptions {
  readonly directory: string;
  /** Its files: `<name>.pem` the current key, `<name>.next.pem` the next, `<name>.retired-<milliseconds>.pem` the retired. */
  readonly name: string;
  readonly form: KeyForm;
  readonly describe: (key: Awaited<ReturnType<typeof openKeyFile>>) => SigningKey;
  /** Milliseconds a retired key stays: as long as anything signed with it may live. */
  readonly keptFor: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

interface Retired {
  readonly path: string;
  readonly key: SigningKey;
  readonly retiredAt: number;
}

/** Opens the keys of one purpose, makes those that are not there, removes those whose time is over. Throws ERR_CONFIG_KEY_FILE. */
export async function openKeySet(options: KeySetOptions): Promise<KeySet> {
  const { directory, name, form, describe, keptFor, now } = options;
  const currentPath = join(directory, `${name}.pem`);
  const nextPath = join(directory, `${name}.next.pem`);
  const openAs = async (path: string): Promise<SigningKey> => describe(await openKeyFile(path, form));
  const isOver = ({ retiredAt }: Retired): boolean => now() > retiredAt + keptFor;

  await removeDrafts(directory, name);
  let [current, next] = await Promise.all([openAs(currentPath), openAs(nextPath)]);
  let retired = await openRetired();
  let live: readonly SigningKey[] = [current, next, ...retired.map(({ key }) => key)];
  let running: Promise<unknown> = Promise.resolve();

  async function openRetired(): Promise<readonly Retired[]> {
    const named = new RegExp(`^${name}\\.retired-(\\d{1,16})\\.pem$`, "u");
    const found = (await readdir(directory)).flatMap((file) => {
      const at = named.exec(file)?.[1];
      return at === undefined ? [] : [{ path: join(directory, file), retiredAt: Number(at) }];
    });
    const opened: readonly Retired[] = await Promise.all(
      found.map(async (one) => ({ ...one, key: await openAs(one.path) })),
    );
    // A rotation that was broken off before its key changed: the key is not retired.
    const isStale = (one: Retired): boolean => isOver(one) || one.key.kid === current.kid;
    for (const { path } of opened.filter(isStale)) await rm(path, { force: true });
    return opened.filter((one) => !isStale(one));
  }

  async function rotate(): Promise<SigningKey> {
    // The file may have been put in place of the one this process opened: what is shown to others must be what takes over.
    const prepared = await openAs(nextPath);
    // Two in one millisecond have two names all the same.
    const retiredAt = Math.max(now(), ...retired.map((one) => one.retiredAt + 1));
    const path = join(directory, `${name}.retired-${retiredAt}.pem`);
    const draft = join(directory, `.${name}.${randomBytes(8).toString("hex")}`);
    // First the old key has two names, then the new key takes over one of them: no moment without either.
    await link(currentPath, draft);
    await rename(draft, path);
    await syncFolder(directory);
    await rename(nextPath, currentPath);
    await syncFolder(directory);
    const old: Retired = { path, key: current, retiredAt };
    current = prepared;
    retired = [...retired, old];
    live = [current, ...retired.map(({ key }) => key)];
    next = await openAs(nextPath);
    live = [current, next, ...retired.map(({ key }) => key)];
    return current;
  }

  return {
    get current() {
      return current;
    },
    // The files of those whose time is over go at the next open.
    live: () => {
      const isDue = retired.some(isOver);
      if (isDue) retired = retired.filter((one) => !isOver(one));
      if (isDue) live = [current, next, ...retired.map(({ key }) => key)];
      return live;
    },
    rotate: () => {
      const turn = running.then(rotate);
      running = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** What a crash left of a key that was being written. */
async function removeDrafts(directory: string, name: string): Promise<void> {
  const drafts = (await readdir(directory)).filter((file) => file.startsWith(`.${name}.`));
  for (const file of drafts) await rm(join(directory, file), { force: true });
}
