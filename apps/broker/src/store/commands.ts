import { completeSignIn, renewClaimCode } from "./commands/accounts.ts";
import { keepEvidence } from "./commands/anchored-heads.ts";
import { proveAttempt, startAttempt, tryUserCode } from "./commands/attempts.ts";
import { createGrant, revokeGrant } from "./commands/grants.ts";
import { acknowledgeEvents, recordEvents } from "./commands/outbox.ts";
import { decidePairing, pollPairing, startPairing, viewPairing } from "./commands/pairings.ts";
import { revokeAgent, revokeSessions, rotateRefreshToken } from "./commands/sessions.ts";
import { failUse, releaseUse, reserveUse, sweepUses } from "./commands/uses.ts";
import { keyValueCommands } from "./key-value-commands.ts";

/** Every write of the broker: a function of the database and its input, run in the store's worker, whole or not at all. */
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
  recordEvents,
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

export { migrations } from "./migrations.ts";
