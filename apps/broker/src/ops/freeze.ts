import { join } from "node:path";
import { readdir } from "node:fs/promises";
import { AgentKeysError, type TreeHead } from "@agentkeys/core";
import * as v from "valibot";
import { readFileIfThere, replaceFile } from "../files/durable.ts";

/** Two heads that cannot both be of one honest log, as they are kept on disk. */
export interface Disagreement {
  readonly anchor: string;
  readonly status: "fork" | "ahead";
  /** RFC 3339, when it was seen. */
  readonly seen_at: string;
  readonly origin: string;
  /** Our signed note, verbatim. */
  readonly ours: string;
  /** What the far side has, verbatim. */
  readonly theirs: string;
}

/** Stops issuing once an anchor has shown that there is another log under our name. Only an operator ends it. */
export interface Freeze {
  /** What was seen, in one line; undefined while nothing is wrong. */
  readonly reason: string | undefined;
  /** Throws ERR_AUDIT_FORK, or ERR_AUDIT_REWOUND, when issuing has stopped. */
  assertNone(): void;
  /** Stops issuing at once; resolves when both heads are on disk. */
  stop(found: Pick<Disagreement, "anchor" | "status" | "theirs">, head: TreeHead): Promise<void>;
}

const keptText = v.pipe(v.string(), v.parseJson(), v.object({ origin: v.string() }));

/**
 * Disagreements are files `fork-<anchor>.json` in `directory`. One about `origin` that is there already refuses the start
 * (ERR_AUDIT_FORK): moving it away, or a new epoch, is an operator's decision.
 */
export async function openFreeze(directory: string, origin: string, now: () => number): Promise<Freeze> {
  const names = (await readdir(directory)).filter((name) => /^fork-.+\.json$/u.test(name));
  for (const name of names) {
    const path = join(directory, name);
    const found = v.safeParse(keptText, await readFileIfThere(path));
    if (found.success && found.output.origin !== origin) continue;
    const reason = `${path} holds two heads that disagree; it stays until an operator moves it away`;
    throw new AgentKeysError("ERR_AUDIT_FORK", reason, { reason });
  }
  let stopped: AgentKeysError | undefined;
  const onDisk = new Set<string>();
  return {
    get reason() {
      return stopped?.message;
    },
    assertNone() {
      if (stopped !== undefined) throw stopped;
    },
    async stop({ anchor, status, theirs }, head) {
      const path = join(directory, `fork-${anchor}.json`);
      const told =
        status === "fork" ? "has seen another past of this log" : "has a larger head with this log's own signature";
      const reason = `audit(${anchor}) ${told}: issuing has stopped, both heads are in ${path}`;
      stopped ??= new AgentKeysError("ERR_AUDIT_FORK", reason, { reason });
      // The first two heads are the evidence: later ones would only replace them.
      if (onDisk.has(anchor)) return;
      const row: Disagreement = {
        anchor,
        status,
        seen_at: new Date(now()).toISOString(),
        origin: head.origin,
        ours: head.note,
        theirs,
      };
      await replaceFile(path, `${JSON.stringify(row, undefined, 2)}\n`);
      onDisk.add(anchor);
    },
  };
}
