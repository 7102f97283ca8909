import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AnchorManifest, AuditAnchor, AuditLog, EpochStart } from "./audit.ts";
import type { UserAuthMethod } from "./auth.ts";
import type { PluginHost } from "./host.ts";
import type { CredentialIssuer } from "./issuer.ts";
import type { WalletProvisioner } from "./wallet.ts";

/** The contract version this core speaks. A plug-in made for another one is refused at boot. */
export const apiVersion = 1;

/** The capabilities a plug-in of each kind may declare. */
export interface PluginCapabilities {
  readonly auth: "in_band" | "out_of_band";
  readonly wallet: "sign";
  readonly audit: "log" | "anchor";
  readonly issuer: "local" | "remote";
}

/** The contract an instance of each kind fulfils. */
export interface PluginContracts {
  readonly auth: UserAuthMethod;
  readonly wallet: WalletProvisioner;
  readonly audit: AuditLog | AuditAnchor;
  readonly issuer: CredentialIssuer;
}

/** The four kinds. */
export type PluginKind = keyof PluginContracts;

/** The data each kind declares beside its capabilities. */
export interface PluginFacts<Config = never> {
  /** The identity types `finish` may prove; another one is a broken contract. */
  readonly auth: { readonly identityTypes: readonly string[] };
  readonly wallet: object;
  readonly audit: {
    /** An anchor says what it checks and publishes. */
    readonly manifest?: AnchorManifest;
    /**
     * Of a log: with no broker running, leaves the log as it is for readers and begins its next epoch, whose entry 0 (type 52) names the
     * old origin, size and root. Its origin is `<host>/audit/<instance>/<epoch>` of the next number, under an instance drawn anew, so that
     * two copies of a log never go on under one. `create` opens the new epoch from then on.
     */
    startEpoch?(config: Config, host: PluginHost): Promise<EpochStart>;
  };
  readonly issuer: object;
}

/** What a plug-in package exports as `default`. */
export type Plugin<
  Kind extends PluginKind = PluginKind,
  Config = unknown,
  Contract extends PluginContracts[Kind] = PluginContracts[Kind],
> = PluginFacts<Config>[Kind] & {
  readonly kind: Kind;
  /** Short name, e.g. `walletsig`. */
  readonly name: string;
  readonly apiVersion: number;
  readonly capabilities: readonly PluginCapabilities[Kind][];
  /** Standard Schema of the plug-in's TOML section, in snake_case; unknown keys are errors. */
  readonly config: StandardSchemaV1<unknown, Config>;
  /** Makes an instance. Opens nothing it does not close; throws ERR_CONFIG_* for what the schema cannot see. */
  create(config: Config, host: PluginHost): Promise<Contract>;
};

/**
 * Declares a plug-in. The answer is frozen and is the package's default export.
 *
 * @example
 * export default definePlugin({
 *   kind: "issuer", name: "oidc", apiVersion: 1, capabilities: ["local"],
 *   config, create: async (config, host) => openIssuer(config, host),
 * });
 */
export function definePlugin<Kind extends PluginKind, Config, Contract extends PluginContracts[Kind]>(
  plugin: Plugin<Kind, Config, Contract>,
): Plugin<Kind, Config, Contract> {
  Object.freeze(plugin);
  return plugin;
}

/** True when a value has the shape of a plug-in of any contract version; what it does is checked by the conformance kit. */
export function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== "object" || value === null) return false;
  const found = value as Partial<Record<keyof Plugin, unknown>> & { config?: { "~standard"?: { version?: unknown } } };
  return (
    typeof found.kind === "string" &&
    typeof found.name === "string" &&
    typeof found.apiVersion === "number" &&
    Array.isArray(found.capabilities) &&
    typeof found.create === "function" &&
    found.config?.["~standard"]?.version === 1
  );
}
