import type { AuditAnchor, Call, Evidence, PluginHost, PublishResult, TreeHead } from "@agentkeys/core";
import { fromBase64, isConsistency } from "@agentkeys/log";
import * as v from "valibot";
import type { NotaryConfig } from "./index.ts";
import { isSignedBy, parseNotaryKey, Statement } from "./statement.ts";
import { verifyOffline } from "./verify.ts";

/** What the notary said: a statement it signed, that it has none, or why it cannot be asked. */
type Answer =
  | { readonly kind: "statement"; readonly status: number; readonly statement: Statement }
  | { readonly kind: "none" }
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "false"; readonly reason: string };

/** Speaks with one notary. Keeps nothing: the notary's own newest statement says where to go on. */
export function openNotaryAnchor(config: NotaryConfig, host: PluginHost): AuditAnchor {
  const key = parseNotaryKey(config.public_key);
  if (key === undefined) throw new TypeError("the schema lets no other key through");

  async function ask(path: string, call: Call, body?: object): Promise<Answer> {
    try {
      const response = await host.fetch(`${config.url}${path}`, {
        signal: call.signal,
        maxBytes: 16_384,
        ...(body === undefined
          ? {}
          : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
      const { status } = response;
      if (status === 404) return { kind: "none" };
      if (status >= 500 || status === 429) return { kind: "away", reason: `the notary answered ${status}` };
      const statement = v.safeParse(Statement, JSON.parse(Buffer.from(response.body).toString()));
      if (statement.success && isSignedBy(statement.output, key!)) {
        return { kind: "statement", status, statement: statement.output };
      }
      return { kind: "false", reason: `the notary answered ${status} without a statement of its own` };
    } catch (error) {
      if (error instanceof SyntaxError) return { kind: "false", reason: "the notary's answer is not JSON" };
      return {
        kind: "away",
        reason: `the notary could not be reached: ${error instanceof Error ? error.message : ""}`,
      };
    }
  }

  const newest = (logId: string, call: Call): Promise<Answer> => ask(`/heads/${logId}`, call);

  return {
    async head(logId, call) {
      const answer = await newest(logId, call);
      if (answer.kind === "none") return 0;
      return answer.kind === "statement" ? answer.statement.size : undefined;
    },

    async publish(head, tools, call) {
      const far = await newest(head.logId, call);
      if (far.kind === "away") return { status: "retry", afterMs: 5000, reason: far.reason };
      if (far.kind === "false") return { status: "refused", reason: far.reason };
      const from = far.kind === "none" ? 0 : Math.min(far.statement.size, head.size);
      const proof = from === 0 || from === head.size ? [] : await tools.prove(from, head.size).catch(() => undefined);
      if (proof === undefined) return { status: "retry", afterMs: 5000, reason: "the log could not prove the append" };
      const answer = await ask("/heads", call, { note: head.note, from, proof });
      if (answer.kind === "away") return { status: "retry", afterMs: 5000, reason: answer.reason };
      if (answer.kind === "false") return { status: "refused", reason: answer.reason };
      // Somebody adds the log to the notary while the broker runs.
      if (answer.kind === "none")
        return { status: "retry", afterMs: 2000, reason: "the notary does not know this log yet" };
      const { status, statement } = answer;
      if (status === 200 || status === 201) {
        const evidence = evidenceOf(host.name, statement);
        const isTrue = await verifyOffline(head, evidence, { public_key: config.public_key });
        if (!isTrue) return { status: "refused", reason: "the notary signed another head" };
        return { status: status === 200 ? "already" : "ok", evidence };
      }
      return explainRefusal(head, statement, proof);
    },

    // A signature is final from the first moment.
    refresh: async (evidence) => evidence,

    async verifyOnline(head, evidence, call) {
      if (!(await verifyOffline(head, evidence, { public_key: config.public_key }))) return false;
      const answer = await ask(`/heads/${head.logId}/${head.size}`, call);
      if (answer.kind === "none") return false;
      return answer.kind === "statement" ? answer.statement.note_hash === evidence.note_hash : undefined;
    },

    async ready(call) {
      const answer = await newest("0".repeat(64), call);
      return answer.kind === "none" ? { status: "ready" } : { status: "degraded", reason: `notary: ${answer.kind}` };
    },

    close: async () => {},
  };
}

/** The notary showed its newest head instead of signing ours: whose fault is that? */
function explainRefusal(head: TreeHead, theirs: Statement, proof: readonly string[]): PublishResult {
  if (theirs.size > head.size) return { status: "ahead", size: theirs.size };
  const roots = [fromBase64(theirs.root), fromBase64(head.root)] as const;
  const extendsTheirs = isConsistency(theirs.size, head.size, ...roots, proof.map(fromBase64));
  if (!extendsTheirs) return { status: "fork", size: theirs.size, theirs: theirs.root };
  return { status: "retry", afterMs: 1000, reason: "the notary signed another head meanwhile" };
}

function evidenceOf(anchor: string, statement: Statement): Evidence {
  const { size, note_hash } = statement;
  return { anchor, size, note_hash, finality: 4, proof: { ...statement } };
}
