import { anchorCases, createTestLog, registerConformance, type AnchorFixture } from "@agentkeys/testkit";
import { it } from "vitest";
import plugin from "../src/index.ts";
import { verifyOffline } from "../src/verify.ts";
import { makeFolder, startProxy, startWitness } from "./support.ts";

registerConformance({ it }, anchorCases, async (): Promise<AnchorFixture> => {
  const log = createTestLog();
  const folder = makeFolder();
  const witness = await startWitness(folder.path, "--log", log.vkey);
  const proxy = await startProxy(witness.url);
  return {
    plugin,
    config: { url: proxy.url, vkey: witness.vkey },
    log,
    farSide: proxy.farSide,
    verifyOffline,
    trust: { vkey: witness.vkey },
    async close() {
      await proxy.close();
      await witness.end("SIGKILL");
      folder.remove();
    },
  };
});
