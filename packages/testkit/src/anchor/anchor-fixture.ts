import type { Json, VerifyOffline } from "@agentkeys/core";
import type { FarSide, PluginFixture } from "../plugin-fixture.ts";
import type { TestLog } from "../test-log.ts";

/** The far side of an anchor: it can also lie. */
export interface AnchorFarSide extends FarSide {
  /** Answers every request in the right form with what is false: another key's signature, a bare 200, a wrong root. */
  lie(): Promise<void> | void;
}

/**
 * An audit plug-in of capability `anchor` under test, with its far side running and knowing `log`.
 *
 * @example
 * const log = createTestLog();
 * const witness = await startWitness({ log: log.vkey });
 * const fixture: AnchorFixture = {
 *   plugin: auditWitness, config: { url: witness.url, vkey: witness.vkey }, log,
 *   farSide: witness.faults, trust: { vkey: witness.vkey }, verifyOffline, close: () => witness.close(),
 * };
 */
export interface AnchorFixture extends PluginFixture<"audit"> {
  /** The log whose heads the far side takes: made by `createTestLog` before the far side was started. */
  readonly log: TestLog;
  readonly farSide: AnchorFarSide;
  /** What the package exports under `./verify`. */
  readonly verifyOffline: VerifyOffline;
  /** The anchor's section of a trust file that fits the far side. */
  readonly trust: Json;
}
