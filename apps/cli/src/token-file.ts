import { readFileSync, rmSync } from "node:fs";
import { systemClock } from "@agentkeys/client";
import { writePrivate } from "./private-file.ts";

/** How a token file is kept. */
export interface TokenFileOptions {
  readonly path: string;
  /** The token that is good now, asked for every second; nothing more is asked for once the signal is aborted. */
  readonly source: (ended: AbortSignal) => () => Promise<string>;
  /** Hears why a token could not be had or written; the next second it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

const pause = 1000;

/**
 * Does `work` while a file holds the token that is good now: mode 0600, replaced as a whole. The file is gone afterwards, however this
 * process ends but by SIGKILL; one that another process has put there since is left. Throws, and writes nothing, without a first token.
 */
export async function withTokenFile<Result>(
  { path, source, onFailure }: TokenFileOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const ended = new AbortController();
  const current = source(ended.signal);
  let written = await current();
  await writePrivate(path, written);
  const remove = (): void => {
    if (readIfThere(path) === written) rmSync(path, { force: true });
  };
  process.on("exit", remove);

  async function follow(): Promise<void> {
    while (!ended.signal.aborted) {
      try {
        await systemClock.wait(pause, ended.signal);
        const token = await current();
        if (token !== written) await writePrivate(path, token);
        written = token;
      } catch (error) {
        if (!ended.signal.aborted) onFailure(error);
      }
    }
  }

  const following = follow();
  try {
    return await work();
  } finally {
    ended.abort();
    await following;
    remove();
    process.off("exit", remove);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
