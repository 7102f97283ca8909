// The module the store's worker loads: every command by name, and the schema they write to.
import { completeSignIn, renewClaimCode } from "./commands/accounts.ts";
import { keepEvidence } from "./commands/anchored-heads.ts";
import { proveAttempt, startAttempt, tryUserCode } from "./commands/attempts.ts";
import { createGrant, revokeGrant } from "./commands/grants.ts";
import { acknowledgeEvents } from "./commands/outbox.ts";
import { decidePairing, pollPairing, startPairing, viewPairing } from "./commands/pairings.ts";
import { revokeAgent, revokeSessions, rotateRefreshToken } from "./commands/sessions.ts";
import { failUse, releaseUse, reserveUse, sweepUses } from "./commands/uses.ts";
import { keyValueCommands } from "./key-value-commands.ts";

export { schemaVersion, statements } from "./schema.ts";

/** Every durable change the broker makes. */
export const commands = {
  ...keyValueCommands,
  acknowledgeEvents,
  completeSignIn,
  createGrant,
  decidePairing,
  failUse,
  keepEvidence,
  pollPairing,
  proveAttempt,
  releaseUse,
  renewClaimCode,
  reserveUse,
  revokeAgent,
  revokeGrant,
  revokeSessions,
  rotateRefreshToken,
  startAttempt,
  startPairing,
  sweepUses,
  tryUserCode,
  viewPairing,
};
