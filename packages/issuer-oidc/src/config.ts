import type { StandardSchemaV1 } from "@agentkeys/core";
import * as v from "valibot";
import { findAudienceFault } from "./audience.ts";

/** The section `[issuer.oidc]`, checked. */
export interface OidcSettings {
  /** Audiences, or patterns of them, whose tokens are signed with RS256. */
  readonly rs256Audiences: readonly string[];
}

const audience = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const fault = dataset.typed ? findAudienceFault(dataset.value) : undefined;
    if (fault !== undefined) addIssue({ message: `expected an audience or a pattern such as "https://*": ${fault}` });
  }),
);

/** The schema of `[issuer.oidc]`. Its one key is optional; unknown keys are errors. */
export const config: StandardSchemaV1<unknown, OidcSettings> = v.pipe(
  v.strictObject({ rs256_audiences: v.optional(v.array(audience), []) }),
  v.transform((value): OidcSettings => ({ rs256Audiences: value.rs256_audiences })),
);
