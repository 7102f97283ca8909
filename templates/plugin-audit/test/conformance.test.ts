import { anchorCases, type AnchorFixture, createTestLog, registerConformance } from "@agentkeys/testkit";
import { it } from "vitest";
import plugin from "../src/index.ts";
import { verifyOffline } from "../src/verify.ts";
import { startNotary } from "./notary.ts";

registerConformance({ it }, anchorCases, async (): Promise<AnchorFixture> => {
  const log = createTestLog();
  const notary = await startNotary(log.vkey);
  return {
    plugin,
    config: { url: notary.url, public_key: notary.publicKey },
    log,
    farSide: notary.farSide,
    verifyOffline,
    trust: { public_key: notary.publicKey },
    close: () => notary.close(),
  };
});
