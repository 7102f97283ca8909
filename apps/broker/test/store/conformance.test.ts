// The store that plug-ins are lent, by the kit's own cases: what their authors test against is what they get.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostStoreCases, registerConformance, type HostStoreFixture } from "@agentkeys/testkit";
import { it } from "vitest";
import { openStore } from "../../src/store/engine-store.ts";
import { openKeyValueStore } from "../../src/store/key-value.ts";

async function makeFixture(): Promise<HostStoreFixture> {
  const folder = mkdtempSync(join(tmpdir(), "host-store-"));
  const open = () =>
    openStore(join(folder, "broker.db"), {
      onFatal: (error) => {
        throw error;
      },
    });
  let store = await open();
  let time = 1_764_000_000_000;
  const space = (name: string) => openKeyValueStore(store, name, () => time);
  return {
    store: space("auth.one"),
    advance: (milliseconds) => void (time += milliseconds),
    async reopen() {
      await store.close();
      store = await open();
      return space("auth.one");
    },
    neighbour: () => space("auth.two"),
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

registerConformance({ it }, hostStoreCases, makeFixture);
