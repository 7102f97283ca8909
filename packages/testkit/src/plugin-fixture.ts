import type { Json, Plugin, PluginKind } from "@agentkeys/core";
import type { FakeHostOptions } from "./fake-host.ts";

/**
 * What the kit needs to open a plug-in: the plug-in itself and a configuration under which it works. A fixture is made anew for
 * each case, so far sides (a mail server, a chain) are started in the function that makes it and ended in `close`.
 */
export interface PluginFixture<Kind extends PluginKind = PluginKind> {
  /** The package's default export. */
  readonly plugin: Plugin<Kind>;
  /** The plug-in's TOML section as data, in snake_case, as the broker reads it. */
  readonly config: { readonly [key: string]: Json };
  /** How the host should be: secrets, what `host.fetch` reaches, the time. */
  readonly host?: FakeHostOptions;
  /** The far side, where the plug-in has one. Without it the cases of remote faults have nothing to do. */
  readonly farSide?: FarSide;
  /** Ends what the fixture started. Called after the instance was closed. */
  close?(): Promise<void>;
}

/** The real thing behind a plug-in, in the hand of a test. Each verb holds until another is called. */
export interface FarSide {
  /** Refuses every connection, or resets it. */
  down(): Promise<void> | void;
  /** Takes every request and never answers. */
  hang(): Promise<void> | void;
  /** Works again. */
  up(): Promise<void> | void;
}
