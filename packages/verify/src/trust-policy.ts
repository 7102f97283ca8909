import { AgentKeysError } from "@agentkeys/core";
import { parseVkey, toHex, type NoteKey } from "@agentkeys/log";
import type { TrustEpoch } from "./trust-epochs.ts";

/** Whom a verifier trusts, and how many witnesses must have cosigned a head (C2SP tlog-policy). */
export interface TrustPolicy {
  /** Keys of logs, algorithm 1; a key's name is the log's origin. */
  readonly logs: readonly NoteKey[];
  readonly witnesses: readonly PolicyWitness[];
  /** Undefined for `quorum none`. */
  readonly quorum: QuorumRule | undefined;
  /** What `anchors.toml` says beside the policy; see `joinEpochs`. */
  readonly epochs?: readonly TrustEpoch[];
}

/** A witness under the name that the policy gives it. */
export interface PolicyWitness {
  readonly name: string;
  /** Algorithm 4. */
  readonly key: NoteKey;
}

/** A witness (no members), or a group: at least `threshold` of its members have to agree. */
export interface QuorumRule {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly QuorumRule[];
}

const most = 256;

/**
 * The policy of C2SP tlog-policy text: `log`, `witness`, `group` and `quorum` lines. Throws ERR_AUDIT_TRUST with the line for
 * anything else, for a key that is not Ed25519, and past 256 logs, witnesses and groups. URLs are read over.
 *
 * @example
 * parseTrustPolicy("log broker.example/audit/k4t7m2xq/1+7f6e49c0+Aemd…\nquorum none\n");
 */
export function parseTrustPolicy(text: string): TrustPolicy {
  const logs: NoteKey[] = [];
  const witnesses: PolicyWitness[] = [];
  const rules = new Map<string, QuorumRule>();
  const grouped = new Set<string>();
  let quorum: { rule: QuorumRule | undefined } | undefined;
  for (const [at, content] of text.split("\n").entries()) {
    const line = at + 1;
    if (/[^\t -~\u{80}-\u{d7ff}\u{e000}-\u{10ffff}]/u.test(content))
      throw policyError(line, "it has a control character");
    const [keyword, ...words] = content.split(/[ \t]+/u).filter((word) => word !== "");
    if (keyword === undefined || keyword.startsWith("#")) continue;
    if (keyword === "log") logs.push(parseLog(line, words, logs));
    else if (keyword === "witness") {
      const witness = parseWitness(line, words, witnesses);
      defineRule(line, { name: witness.name, threshold: 1, members: [] }, rules);
      witnesses.push(witness);
    } else if (keyword === "group") defineRule(line, parseGroup(line, words, rules, grouped), rules);
    else if (keyword === "quorum") {
      if (quorum !== undefined) throw policyError(line, "there is a second quorum line");
      quorum = { rule: parseQuorum(line, words, rules) };
    } else throw policyError(line, "it is no log, witness, group or quorum line");
    if (logs.length + rules.size > most)
      throw policyError(line, `there are more than ${most} logs, witnesses and groups`);
  }
  if (quorum === undefined)
    throw policyError(text.split("\n").length, "there is no quorum line; without witnesses it is `quorum none`");
  return { logs, witnesses, quorum: quorum.rule };
}

/** True when the witnesses of these policy names satisfy the quorum; always for `quorum none`. */
export function isQuorumMet(policy: TrustPolicy, cosigners: ReadonlySet<string>): boolean {
  const agrees = (rule: QuorumRule): boolean =>
    rule.members.length === 0 ? cosigners.has(rule.name) : rule.members.filter(agrees).length >= rule.threshold;
  return policy.quorum === undefined || agrees(policy.quorum);
}

function parseLog(line: number, words: readonly string[], logs: readonly NoteKey[]): NoteKey {
  if (words.length < 1 || words.length > 2) throw policyError(line, "a log line is a key and at most a URL");
  const key = parseKey(line, words[0] ?? "", 1);
  if (logs.some((other) => isSameKey(other, key))) throw policyError(line, "the log's key stands twice");
  return key;
}

function parseWitness(line: number, words: readonly string[], witnesses: readonly PolicyWitness[]): PolicyWitness {
  const [name, vkey] = words;
  if (name === undefined || vkey === undefined || words.length > 3) {
    throw policyError(line, "a witness line is a name, a key and at most a URL");
  }
  const key = parseKey(line, vkey, 4);
  if (witnesses.some((other) => isSameKey(other.key, key))) throw policyError(line, "the witness's key stands twice");
  return { name, key };
}

function parseGroup(
  line: number,
  words: readonly string[],
  rules: ReadonlyMap<string, QuorumRule>,
  grouped: Set<string>,
): QuorumRule {
  const [name, count, ...names] = words;
  if (name === undefined || count === undefined || names.length === 0) {
    throw policyError(line, "a group line is a name, a number, and members");
  }
  const members = names.map((member) => findRule(line, member, rules));
  for (const member of names) {
    if (grouped.has(member)) throw policyError(line, "a member is in a group already");
    grouped.add(member);
  }
  return { name, threshold: parseThreshold(line, count, members.length), members };
}

function parseThreshold(line: number, text: string, members: number): number {
  if (text === "any") return 1;
  if (text === "all") return members;
  const threshold = /^[1-9][0-9]{0,3}$/u.test(text) ? Number(text) : 0;
  if (threshold < 1 || threshold > members)
    throw policyError(line, "the number is not from 1 to the number of members");
  return threshold;
}

function parseQuorum(
  line: number,
  words: readonly string[],
  rules: ReadonlyMap<string, QuorumRule>,
): QuorumRule | undefined {
  const [name] = words;
  if (name === undefined || words.length > 1) throw policyError(line, "a quorum line is one name");
  return name === "none" ? undefined : findRule(line, name, rules);
}

function defineRule(line: number, rule: QuorumRule, rules: Map<string, QuorumRule>): void {
  if (rule.name === "none" || rules.has(rule.name)) throw policyError(line, "the name is taken");
  rules.set(rule.name, rule);
}

function findRule(line: number, name: string, rules: ReadonlyMap<string, QuorumRule>): QuorumRule {
  const rule = rules.get(name);
  if (rule === undefined) throw policyError(line, "a name is not defined on a line before");
  return rule;
}

function parseKey(line: number, vkey: string, algorithm: 1 | 4): NoteKey {
  try {
    const key = parseVkey(vkey);
    if (key.algorithm === algorithm) return key;
  } catch (error) {
    throw policyError(line, "the key is not a vkey of an Ed25519 key", error);
  }
  throw policyError(line, algorithm === 1 ? "a log's key is of type 1" : "a witness's key is of type 4");
}

function isSameKey(one: NoteKey, other: NoteKey): boolean {
  return toHex(one.publicKey) === toHex(other.publicKey);
}

function policyError(line: number, reason: string, cause?: unknown): AgentKeysError<"ERR_AUDIT_TRUST"> {
  return new AgentKeysError("ERR_AUDIT_TRUST", `trust policy, line ${line}: ${reason}`, { line, reason }, { cause });
}
