import {
  definePlugin,
  type AnchorManifest,
  type AuditAnchor,
  type Call,
  type Evidence,
  type PluginHost,
  type PublishResult,
  type TreeHead,
} from "@agentkeys/core";
import { fromBase64, isConsistency, noteHash, parseNote, toHex } from "@agentkeys/log";
import * as v from "valibot";
import { createTestLog, makeSigner, type AnchorFixture, type FetchRequest } from "../../src/index.ts";
import { answerOf, bodyOf, createFarSide } from "./far-side.ts";
import { notary, notaryMessage, verifyNotary } from "./notary-evidence.ts";
import { forever, type HasFlaw } from "./schema.ts";

const config = v.strictObject({ url: v.string(), token: v.strictObject({ file: v.string() }) });
type Config = v.InferOutput<typeof config>;

const manifest: AnchorManifest = {
  checks: "append-only",
  offline: "full",
  publishes: ["origin", "size", "root"],
  minIntervalMs: 0,
};

interface State {
  readonly size: number;
  readonly root: string;
}

/** A toy anchor: a notary keeps the newest head of each log, checks that a new one extends it, and signs. */
async function open({ url, token }: Config, host: PluginHost, has: HasFlaw): Promise<AuditAnchor> {
  const secret = await host.secret(token);
  const sizes = new Map<string, number>();
  const ask = async (path: string, body: unknown, call: Call): Promise<unknown> => {
    if (has("never ends an aborted call") && call.signal.aborted) await forever();
    if (has("logs its secret")) host.log("debug", "ask", { secret });
    const signal = has("does not pass the signal") ? new AbortController().signal : call.signal;
    const answer = await host.fetch(url + path, { method: "POST", body: JSON.stringify(body), signal });
    return { ...(answerOf(answer) as object), status: answer.status };
  };
  const stateOf = async (logId: string, call: Call): Promise<State> => (await ask("/head", { logId }, call)) as State;

  const publish = async (
    head: TreeHead,
    prove: (from: number, to: number) => Promise<readonly string[]>,
    call: Call,
  ): Promise<PublishResult> => {
    const far = await stateOf(head.logId, call);
    if (has("fails on what is there") && far.size === head.size) return { status: "refused", reason: "already there" };
    if (has("takes small steps only") && head.size - far.size > 100) return { status: "refused", reason: "too far" };
    if (far.size > head.size && !has("lowers the far side")) return { status: "ahead", size: far.size };
    if (far.size === head.size && far.root !== head.root && far.size > 0 && !has("checks nothing"))
      return { status: "fork", size: far.size, theirs: far.root };
    const isProven = !has("proves nothing") && far.size < head.size;
    const proof = isProven ? await prove(far.size, head.size) : [];
    const answer = await ask(
      "/sign",
      {
        head,
        from: far.size,
        proof,
        lax: has("checks nothing") || has("proves nothing") || has("lowers the far side"),
      },
      call,
    );
    const { status, signature } = answer as { readonly status: number; readonly signature?: string };
    if (has("mixes up those who come at once") && sizes.get(head.logId) === head.size)
      return { status: "refused", reason: "busy" };
    sizes.set(head.logId, head.size);
    if (status === 409) return { status: "retry", afterMs: 100, reason: "somebody was faster" };
    if (status !== 200) return { status: "refused", reason: `the notary answers ${status}` };
    const evidence: Evidence = {
      anchor: has("names another anchor") ? "another" : host.name,
      size: head.size,
      note_hash: has("hashes the whole note") ? toHex(noteHash(head.note)) : hashOf(head),
      finality: 2,
      proof: { signature: signature ?? "" },
      ...(has("keeps what JSON has not") ? { cosignatures: undefined as never } : {}),
    };
    if (!has("trusts a bare answer") && !(await verifyNotary(head, evidence, notary.vkey, () => false)))
      return { status: "refused", reason: "the notary's signature does not hold" };
    return { status: far.size === head.size ? "already" : "ok", evidence };
  };

  return {
    async head(logId, call) {
      if (has("throws when there is no answer")) return (await stateOf(logId, call)).size;
      const state = await stateOf(logId, call).catch(() => undefined);
      if (has("says zero when there is no answer")) return state?.size ?? 0;
      if (has("cannot say that there is nothing") && state?.size === 0) return undefined;
      return has("says its own size") ? (sizes.get(logId) ?? 0) : state?.size;
    },
    async publish(head, tools, call) {
      try {
        return await publish(head, async (from, to) => tools.prove(from, to), call);
      } catch (error) {
        if (has("lets faults through")) throw error;
        if (has("refuses for a fault")) return { status: "refused", reason: "no answer" };
        const reason = has("tells its secret") ? `no answer to ${secret}` : "the notary does not answer";
        return { status: "retry", afterMs: 1000, reason };
      }
    },
    async refresh(evidence, call) {
      if (has("throws when there is no answer")) await stateOf("", call);
      if (has("refreshes to less")) return { ...evidence, finality: 1 };
      return has("refreshes to another head") ? { ...evidence, size: evidence.size + 1 } : evidence;
    },
    async verifyOnline(head, evidence, call) {
      if (has("holds everything for true")) return true;
      try {
        const known = (await ask("/known", { hash: hashOf(head) }, call)) as { readonly isKnown: boolean };
        return known.isKnown && evidence.note_hash === hashOf(head);
      } catch {
        return undefined;
      }
    },
    async ready(call) {
      const state = await stateOf("", call).catch(() => undefined);
      return state === undefined ? { status: "unready", reason: "the notary does not answer" } : { status: "ready" };
    },
    close: async () => undefined,
  };
}

/** The anchor with its notary. */
export function makeAnchorFixture(has: HasFlaw = () => false): AnchorFixture {
  const log = createTestLog();
  const heads = new Map<string, State>();
  const known = new Set<string>();
  const work = (request: FetchRequest): { readonly status: number; readonly body?: unknown } => {
    const ask = bodyOf(request) as Readonly<Record<string, never>>;
    const headOf = (id: string): State => heads.get(id) ?? { size: 0, root: "" };
    if (request.url.endsWith("/head")) return { status: 200, body: headOf(ask["logId"] ?? "") };
    if (request.url.endsWith("/known")) return { status: 200, body: { isKnown: known.has(ask["hash"] ?? "") } };
    const { head, from, proof, lax } = ask as unknown as {
      head: TreeHead;
      from: number;
      proof: string[];
      lax: boolean;
    };
    const old = headOf(head.logId);
    if (old.size !== from && !lax) return { status: 409 };
    const hashes = proof.map(fromBase64);
    const [oldRoot, newRoot] = [fromBase64(old.root), fromBase64(head.root)];
    const grows = old.size === 0 || isConsistency(old.size, head.size, oldRoot, newRoot, hashes);
    if (!grows && !lax) return { status: 422 };
    heads.set(head.logId, { size: head.size, root: head.root });
    known.add(hashOf(head));
    const signature = Buffer.from(notary.sign(notaryMessage(head.size, hashOf(head), 2))).toString("base64");
    return { status: 200, body: { signature } };
  };
  const lie = (request: FetchRequest): { readonly status: number; readonly body?: unknown } => {
    if (request.url.endsWith("/head")) return { status: 200, body: { size: 2, root: "AAAA" } };
    if (request.url.endsWith("/known")) return { status: 200, body: { isKnown: true } };
    const forged = makeSigner("forger").sign(Buffer.from("x"));
    return { status: 200, body: { signature: Buffer.from(forged).toString("base64") } };
  };
  const { faults, fetch } = createFarSide(work, lie);
  return {
    plugin: definePlugin({
      kind: "audit",
      name: "notary",
      apiVersion: 1,
      capabilities: ["anchor"],
      manifest,
      config,
      create: async (section: Config, host) => open(section, host, has),
    }),
    config: { url: "http://127.0.0.1:9", token: { file: "token" } },
    host: { fetch, secrets: { token: "a token nobody may see" } },
    log,
    farSide: faults,
    trust: { vkey: notary.vkey },
    verifyOffline: async (head, evidence, trust) => {
      const { vkey = "" } = has("crashes on odd evidence") ? (trust as { vkey?: string }) : vkeyOf(trust);
      return verifyNotary(head, evidence, vkey, has);
    },
  };
}

function vkeyOf(trust: unknown): { readonly vkey?: string } {
  const vkey = typeof trust === "object" && trust !== null && "vkey" in trust ? trust.vkey : undefined;
  return typeof vkey === "string" ? { vkey } : {};
}

function hashOf(head: TreeHead): string {
  return toHex(noteHash(parseNote(head.note).text));
}
