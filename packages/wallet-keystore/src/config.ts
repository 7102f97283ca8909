import { parseDuration, type StandardSchemaV1 } from "@agentkeys/core";
import * as v from "valibot";

/** The section `[wallet.keystore]`, checked. */
export interface KeystoreSettings {
  /** How long a challenge is good for. */
  readonly challengeSeconds: number;
}

/** The schema of `[wallet.keystore]`. Its one key is optional; unknown keys are errors. */
export const config: StandardSchemaV1<unknown, KeystoreSettings> = v.pipe(
  v.strictObject({
    challenge_ttl: v.optional(
      v.pipe(
        v.string(),
        v.transform((value) => parseDuration(value) ?? 0),
        v.check(
          (seconds) => Number.isInteger(seconds) && seconds >= 60 && seconds <= 2700,
          'expected a duration from "1m" to "45m"',
        ),
      ),
      "10m",
    ),
  }),
  v.transform((value): KeystoreSettings => ({ challengeSeconds: value.challenge_ttl })),
);
