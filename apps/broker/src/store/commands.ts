import { renewClaimCode, suspendAccount } from "./commands/accounts.ts";
import { keepEvidence } from "./commands/anchored-heads.ts";
import { proveAttempt, startAttempt, tryUserCode } from "./commands/attempts.ts";
import { createCode, revokeInvite } from "./commands/codes.ts";
import { eraseAccount } from "./commands/erase.ts";
import { createGrant, revokeGrant } from "./commands/grants.ts";
import { closeIntent } from "./commands/intents.ts";
import { linkIdentity, unlinkIdentity } from "./commands/identities.ts";
import { acknowledgeEvents, recordEvents } from "./commands/outbox.ts";
import { decidePairing, pollPairing, startPairing, viewPairing } from "./commands/pairings.ts";
import { declineProposal, propose, sweepProposals } from "./commands/proposals.ts";
import { rotateRefreshToken, settleRefreshToken } from "./commands/refresh-tokens.ts";
import { sealLog, unsealLog } from "./commands/seal.ts";
import { endEverySession, revokeAgent, revokeSessions } from "./commands/sessions.ts";
import { completeSignIn } from "./commands/sign-in.ts";
import { failUse, isUseLive, releaseUse, reserveUse, sweepUses } from "./commands/uses.ts";
import { keyValueCommands } from "./key-value-commands.ts";

/** Every write of the broker: a function of the database and its input, run in the store's worker, whole or not at all. */
export const commands = {
  ...keyValueCommands,
  acknowledgeEvents,
  closeIntent,
  completeSignIn,
  createCode,
  createGrant,
  decidePairing,
  declineProposal,
  endEverySession,
  eraseAccount,
  failUse,
  isUseLive,
  keepEvidence,
  linkIdentity,
  pollPairing,
  propose,
  proveAttempt,
  recordEvents,
  releaseUse,
  renewClaimCode,
  reserveUse,
  revokeAgent,
  revokeGrant,
  revokeInvite,
  revokeSessions,
  rotateRefreshToken,
  sealLog,
  settleRefreshToken,
  startAttempt,
  startPairing,
  suspendAccount,
  sweepProposals,
  sweepUses,
  tryUserCode,
  unlinkIdentity,
  unsealLog,
  viewPairing,
};

export { migrations } from "./migrations.ts";
