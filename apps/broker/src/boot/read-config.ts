import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { parse, TomlError } from "smol-toml";
import * as v from "valibot";
import { AgentKeysError, type PluginKind, type SecretReference, type StandardSchemaV1 } from "@agentkeys/core";
import type { LimitsConfig } from "../http/limits.ts";
import type { ForwardedHeader } from "../http/source.ts";
import type { LogLevel } from "../ops/logger.ts";
import type { Ceiling, Right } from "../steps/rights.ts";
import { configSchema, defaultRights, isPublicUrl, type ConfigFile } from "./config.ts";
import { tellIssues } from "./tell-issues.ts";

/** A plug-in the configuration selects: its section's name, its package and its own settings, not yet checked. */
export interface SelectedPlugin {
  readonly kind: PluginKind;
  /** Section name; the wire knows the plug-in by it. */
  readonly name: string;
  /** npm name of its package. */
  readonly specifier: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** For audit: the capability its place in the file asks for. */
  readonly needs?: "log" | "anchor";
}

/** The configuration, checked as far as no plug-in is needed for it. */
export interface BrokerConfig {
  /** Absolute path that plug-ins and secrets are resolved from: the file, or the working directory's. */
  readonly origin: string;
  readonly hasFile: boolean;
  readonly publicUrl: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly dataDirectory: string;
  /** Where the newest head of the log is kept as well: never within data_dir, so that an old copy of that is noticed. */
  readonly highWaterDirectory: string;
  readonly clients: readonly string[];
  /** Networks whose forwarding header is believed, and which one. */
  readonly trustedProxies: readonly string[];
  readonly forwardedHeader: ForwardedHeader;
  /** Names served in the Host header besides that of `publicUrl`. */
  readonly hosts: readonly string[];
  /** `host:port` pairs on private networks that plug-ins may fetch from. */
  readonly allowPrivate: ReadonlySet<string>;
  readonly limits: LimitsConfig & { readonly requests: number; readonly connections: number };
  readonly logLevel: LogLevel;
  /** Where Prometheus finds the metrics; nowhere without it. */
  readonly metrics?: { readonly host: string; readonly port: number; readonly hosts: readonly string[] };
  /** Who may read entry bundles of the log. */
  readonly auditors: readonly { readonly name: string; readonly token: SecretReference }[];
  readonly signUp: "first" | "invite" | "open";
  readonly rights: readonly Right[];
  readonly ceilings: readonly Ceiling[];
  readonly plugins: readonly SelectedPlugin[];
}

const defaultFile = "agentkeys.toml";

/**
 * Reads the TOML file at `path`, or `agentkeys.toml` in the working directory when there is one, or nothing at all (the embedded
 * default). Every mistake of form is told at once; then every section nothing selects and every unknown issuer. Throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID.
 */
export function readConfig(path: string | undefined): BrokerConfig {
  const file = resolve(path ?? defaultFile);
  const hasFile = path !== undefined || existsSync(file);
  const parsed = v.safeParse(configSchema, hasFile ? readToml(file) : {});
  if (!parsed.success) throw invalid(tellIssues("", parsed.issues as readonly StandardSchemaV1.Issue[]));
  return compose(parsed.output, file, hasFile);
}

function readToml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const reason =
      cause instanceof TomlError ? `line ${cause.line}, column ${cause.column}: not TOML` : messageOf(cause);
    throw new AgentKeysError("ERR_CONFIG_FILE", `${file}: ${reason}`, { path: file, reason }, { cause });
  }
}

function compose(config: ConfigFile, file: string, hasFile: boolean): BrokerConfig {
  const address = splitAddress(config.broker.listen);
  const plugins = selectPlugins(config);
  const issues = [
    ...findNamelessPlugins(config, plugins),
    ...findUnusedSections(config, plugins),
    ...findUnknownIssuers(config),
  ];
  const metrics =
    config.metrics === undefined ? undefined : { ...splitAddress(config.metrics.listen), hosts: config.metrics.hosts };
  if (metrics !== undefined && (metrics.port < 1 || metrics.port > 65_535))
    issues.push("metrics.listen: expected a port from 1 to 65535");
  if (address.port < 1 || address.port > 65_535) issues.push("broker.listen: expected a port from 1 to 65535");
  const publicUrl = config.broker.public_url ?? originOf(config.broker.listen);
  if (!isPublicUrl(publicUrl))
    issues.push(
      `broker.public_url: is needed, since broker.listen (${config.broker.listen}) is not loopback; give the https URL the broker is reached by`,
    );
  const dataDirectory = resolve(dirname(file), config.broker.data_dir);
  const highWaterDirectory = resolve(dirname(file), config.broker.high_water_dir ?? `${dataDirectory}.high-water`);
  if (isWithin(highWaterDirectory, dataDirectory) || isWithin(dataDirectory, highWaterDirectory))
    issues.push(
      "broker.high_water_dir: expected a folder apart from data_dir: what restores the one must not restore the other",
    );
  if (issues.length > 0) throw invalid(issues);
  const rights = config.rights ?? defaultRights;
  return {
    origin: file,
    hasFile,
    publicUrl,
    listen: address,
    dataDirectory,
    highWaterDirectory,
    clients: config.broker.clients,
    trustedProxies: config.broker.trusted_proxies,
    forwardedHeader: config.broker.forwarded_header,
    hosts: config.broker.hosts,
    allowPrivate: new Set(config.broker.allow_private),
    limits: config.limits,
    logLevel: config.log.level,
    ...(metrics === undefined ? {} : { metrics }),
    auditors: config.audit.auditors,
    signUp: config.accounts.sign_up,
    rights,
    ceilings: config.ceiling,
    plugins,
  };
}

/** True for the folder itself and all below it. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** As browsers write it: without the default port, an address in its one spelling. */
function originOf(listen: string): string {
  const url = `http://${listen}`;
  return URL.canParse(url) ? new URL(url).origin : url;
}

function splitAddress(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(":");
  return { host: listen.slice(0, at).replace(/^\[|\]$/gu, ""), port: Number(listen.slice(at + 1)) };
}

function selectPlugins(config: ConfigFile): readonly SelectedPlugin[] {
  const select = (kind: PluginKind, name: string, needs?: "log" | "anchor"): SelectedPlugin => {
    const { plugin, ...settings } = (config[kind] as Record<string, Record<string, unknown>>)[name] ?? {};
    const short = typeof plugin === "string" ? plugin : name;
    return {
      kind,
      name,
      // A package without a scope is told from a short name by how plug-ins are called.
      specifier: /^\.|^agentkeys-|\//u.test(short) ? short : `@agentkeys/${kind}-${short}`,
      settings,
      ...(needs === undefined ? {} : { needs }),
    };
  };
  return [
    ...config.auth.methods.map((name) => select("auth", name)),
    select("wallet", config.wallet.provisioner),
    select("audit", config.audit.log, "log"),
    ...config.audit.anchors.map((name) => select("audit", name, "anchor")),
    ...config.issuer.names.map((name) => select("issuer", name)),
  ];
}

const ownKeys: Readonly<Record<PluginKind, readonly string[]>> = {
  auth: ["methods"],
  wallet: ["provisioner"],
  audit: ["log", "anchors", "auditors"],
  issuer: ["names"],
};

/** `plugin` of a section is an npm name or a path, as text. */
function findNamelessPlugins(config: ConfigFile, plugins: readonly SelectedPlugin[]): string[] {
  return plugins.flatMap(({ kind, name }) => {
    const plugin = (config[kind] as Record<string, { plugin?: unknown }>)[name]?.plugin;
    const isName = plugin === undefined || (typeof plugin === "string" && plugin !== "");
    return isName
      ? []
      : [`${kind}.${name}.plugin: expected the name of a package, such as "@acme/agentkeys-audit-kafka"`];
  });
}

/** A section that nothing selects would be a setting that nothing reads. */
function findUnusedSections(config: ConfigFile, plugins: readonly SelectedPlugin[]): string[] {
  return (Object.keys(ownKeys) as PluginKind[]).flatMap((kind) =>
    Object.keys(config[kind])
      .filter((name) => !ownKeys[kind].includes(name) && !plugins.some((one) => one.kind === kind && one.name === name))
      .map((name) => `${kind}.${name}: nothing selects this section (add "${name}" to [${kind}])`),
  );
}

function findUnknownIssuers(config: ConfigFile): string[] {
  const find = (rows: readonly { issuer: string }[], table: string): string[] =>
    rows.flatMap((row, at) =>
      config.issuer.names.includes(row.issuer) ? [] : [`${table}.${at}.issuer: there is no issuer "${row.issuer}"`],
    );
  return [...find(config.rights ?? [], "rights"), ...find(config.ceiling, "ceiling")];
}

function invalid(issues: readonly string[]): AgentKeysError {
  return new AgentKeysError("ERR_CONFIG_INVALID", issues.join("\n"), { issues });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
