export { isQuorumMet, parseTrustPolicy } from "./trust-policy.ts";
export type { PolicyWitness, QuorumRule, TrustPolicy } from "./trust-policy.ts";
export { isMet, parseRequirement } from "./requirement.ts";
export type { Requirement } from "./requirement.ts";
export { verify } from "./verify.ts";
export type { VerifyOptions } from "./verify.ts";
export type { CommittedField, CountedWitness, InvalidVerdict, ReceiptFacts, ValidVerdict, Verdict } from "./verdict.ts";
export type { Holder } from "@agentkeys/log";
