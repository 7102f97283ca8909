import { readFileSync } from "node:fs";
import type { Scope } from "../src/index.ts";

interface Vectors {
  readonly omnis: readonly { client_id: string; type: string; value: string; omni: string }[];
  readonly scopes: readonly { asked: Scope; granted: Scope; within: boolean; why: string }[];
  readonly scope_text_rejected: readonly string[];
  readonly scope_text_accepted: readonly string[];
  readonly scope_texts: readonly { scope: Scope; text: string }[];
  readonly identity_texts: readonly { type: string; raw: string; value: string }[];
}

/** The project's own vectors of the v1 formats. */
export const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../test/vectors/agentkeys-v1.json", import.meta.url), "utf8"),
) as Vectors;
