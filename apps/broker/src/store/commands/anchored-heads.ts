import { and, desc, eq, lt } from "../drizzle.ts";
import type { Json } from "@agentkeys/core";
import type { Transaction } from "../engine.ts";
import { anchoredHeads } from "../schema.ts";

/** Keeps the newest evidence of an anchor; older ones than the last few are of no use to a receipt. */
export function keepEvidence(
  db: Transaction,
  input: { readonly anchor: string; readonly size: number; readonly evidence: Json; readonly now: number },
): void {
  const row = { evidence: input.evidence, publishedAt: input.now };
  db.insert(anchoredHeads)
    .values({ anchor: input.anchor, size: input.size, ...row })
    .onConflictDoUpdate({ target: [anchoredHeads.anchor, anchoredHeads.size], set: row })
    .run();
  const [newest] = db
    .select()
    .from(anchoredHeads)
    .where(eq(anchoredHeads.anchor, input.anchor))
    .orderBy(desc(anchoredHeads.size))
    .limit(1)
    .all();
  if (newest !== undefined) {
    db.delete(anchoredHeads)
      .where(and(eq(anchoredHeads.anchor, input.anchor), lt(anchoredHeads.size, newest.size)))
      .run();
  }
}
