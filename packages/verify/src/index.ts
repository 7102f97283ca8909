export { isQuorumMet, parseTrustPolicy } from "./trust-policy.ts";
export type { PolicyWitness, QuorumRule, TrustPolicy } from "./trust-policy.ts";
export { epochOf, joinEpochs, keysOf, parseTrustEpochs } from "./trust-epochs.ts";
export type { TrustAnchor, TrustEpoch } from "./trust-epochs.ts";
export { isMet, isReached, parseRequirement } from "./requirement.ts";
export type { Reached, Requirement } from "./requirement.ts";
export { verify } from "./verify.ts";
export type { VerifyOptions } from "./verify.ts";
export type { Verifiers } from "./evidence.ts";
export type {
  CommittedField,
  CountedAnchor,
  CountedWitness,
  InvalidVerdict,
  ReceiptFacts,
  ValidVerdict,
  Verdict,
} from "./verdict.ts";
export { verifyHead } from "./head.ts";
export type { VerifiedHead } from "./head.ts";
export { auditLog } from "./audit.ts";
export type { AuditOptions } from "./audit.ts";
export type { AuditedAnchor, AuditVerdict, BrokenVerdict, SoundVerdict } from "./audit-verdict.ts";
export type { Finding, KeyRotation, LogRecords } from "./log-records.ts";
export type { LogReader } from "./log-reader.ts";
export { diffHeads, judgeForkProof } from "./diff.ts";
export type { ComparedVerdict, DiffVerdict } from "./diff.ts";
export { formatForkProof, parseForkProof } from "./fork-proof.ts";
export type { ForkProof } from "./fork-proof.ts";
export { reportJson, reportText } from "./report.ts";
export type { AnyVerdict } from "./report.ts";
export type { Holder } from "@agentkeys/log";
