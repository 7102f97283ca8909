export type { StandardSchemaV1 } from "@standard-schema/spec";
export { errorRegistry } from "./error-registry.ts";
export type { ErrorRow, Fault, Retry } from "./error-registry.ts";
export { AgentKeysError, describeError, isAgentKeysError } from "./errors.ts";
export type { ErrorCode, ErrorFacts } from "./errors.ts";
export type { Call, Json, Lifecycle, Readiness } from "./call.ts";
export type { HostFetchInit, HostResponse, HostStore, PluginHost, SecretReference } from "./host.ts";
export { apiVersion, definePlugin, isPlugin } from "./plugin.ts";
export type { Plugin, PluginCapabilities, PluginContracts, PluginFacts, PluginKind } from "./plugin.ts";
export type { Challenge, Notice, Page, PageField, PageRequest, ProvenIdentity, UserAuthMethod } from "./auth.ts";
export type { Signature, SignatureRequest, WalletHandle, WalletProvisioner } from "./wallet.ts";
export type { Credential, CredentialIssuer, IdentityTokenAsk, IssueOrder } from "./issuer.ts";
export type {
  AnchorManifest,
  AuditAnchor,
  AuditBody,
  AuditBodyValue,
  AuditEvent,
  AuditLog,
  AuditPosition,
  AuditView,
  EpochStart,
  Evidence,
  Finality,
  LogEpoch,
  LogUpkeep,
  PublishResult,
  PublishTools,
  ReceiptAsk,
  TreeHead,
  VerifyOffline,
} from "./audit.ts";
export { findScopeTextFault, formatScope, intersectScopes, isWithin, parseScope } from "./scope.ts";
export type { Scope } from "./scope.ts";
export { canonicalAddress, canonicalIdentity, checksumAddress, omniAccount } from "./omni-account.ts";
export type { Identity, OmniAccount } from "./omni-account.ts";
export { isIdentifier, newIdentifier, newRecordId, toCrockford } from "./identifier.ts";
export { formatIssues, parseDuration } from "./duration.ts";
