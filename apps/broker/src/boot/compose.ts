import { hash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  AgentKeysError,
  type AuditAnchor,
  type AuditLog,
  type CredentialIssuer,
  type Plugin,
  type UserAuthMethod,
  type WalletProvisioner,
} from "@agentkeys/core";
import type { Broker } from "../broker.ts";
import { createAnchorFacade, type AnchorFacade } from "../facade/anchor.ts";
import { createAuthFacade, type AuthFacade } from "../facade/auth.ts";
import { createGuard, type Guard } from "../facade/guard.ts";
import { createIssuerFacade, type IssuerFacade } from "../facade/issuer.ts";
import { createLogFacade, type LogFacade } from "../facade/log.ts";
import { createWalletFacade, type WalletFacade } from "../facade/wallet.ts";
import { openAuditors } from "./open-auditors.ts";
import { createLimits } from "../http/limits.ts";
import { createSourceReader } from "../http/source.ts";
import { openKeys } from "../keys/keys.ts";
import type { Logger } from "../ops/logger.ts";
import { createMetrics, type Metrics } from "../ops/metrics.ts";
import { createRegistry, type Registry } from "../ops/registry.ts";
import { createOutbox } from "../ops/outbox.ts";
import { createAccessTokens } from "../session/access-token.ts";
import { createDpopVerifier } from "../session/dpop.ts";
import { createNonces } from "../session/nonces.ts";
import { createWorkloadTokens } from "../session/workload-token.ts";
import { formatPolicy } from "../steps/rights.ts";
import { openStore, type Store } from "../store/engine-store.ts";
import { openKeyValueStore } from "../store/key-value.ts";
import { createReadings } from "../store/readings.ts";
import { rememberReadings } from "../store/remembered-readings.ts";
import { removeClaimCode } from "./claim-code.ts";
import { createHost } from "./host.ts";
import { loadPlugin, type LoadedPlugin } from "./load-plugin.ts";
import { createRandom } from "./random.ts";
import type { BrokerConfig } from "./read-config.ts";
import { rememberWallets } from "./remembered-wallets.ts";
import { assertServableRights } from "./servable-rights.ts";
import { watchLog, type Watch } from "./watch-log.ts";

/** Deadlines of calls into plug-ins, in milliseconds. */
const deadlines = { auth: 10_000, wallet: 10_000, log: 5000, anchor: 30_000, issuer: 5000, create: 60_000 } as const;

/** The composed broker and what has to be closed, last opened first. */
export interface Composition {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly close: () => Promise<void>;
}

/** The clock of the whole broker, in milliseconds since the Unix epoch. */
const now = (): number => Date.now();

/** Loads every selected plug-in and checks its settings; opens nothing. Reports every mistake at once. */
export async function loadPlugins(config: BrokerConfig): Promise<readonly LoadedPlugin[]> {
  const outcomes = await Promise.allSettled(config.plugins.map((selected) => loadPlugin(selected, config)));
  const faults = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as Error] : []));
  const [only] = faults;
  if (only !== undefined && faults.length === 1) throw only;
  if (faults.length > 1) {
    const issues = faults.flatMap((fault) => fault.message.split("\n"));
    throw new AgentKeysError("ERR_CONFIG_INVALID", issues.join("\n"), { issues }, { cause: faults[0] });
  }
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}

/** Opens store, keys and plug-ins and puts them together. `onFatal` ends the process: a storage can no longer be trusted. */
export async function compose(
  config: BrokerConfig,
  logger: Logger,
  onFatal: (error: Error) => void,
): Promise<Composition> {
  const loaded = await loadPlugins(config);
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).toReversed()) await one();
  };
  try {
    mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
    const store = await openStore(join(config.dataDirectory, "broker.db"), { onFatal });
    closers.push(() => store.close());
    const registry = createRegistry();
    const metrics = createMetrics(registry);
    const tools: PluginTools = { store, logger, metrics, onFatal };
    const parts = await createPlugins(config, loaded, tools, closers);
    assertServableRights(config, parts.issuers);
    const watch = await watchLog(config, parts, now, logger, onFatal);
    closers.push(() => watch.highWater.close());
    return { broker: await assemble(config, loaded, parts, watch, tools, closers), registry, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What plug-ins are opened with. */
export interface PluginTools {
  readonly store: Store;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly onFatal: (error: Error) => void;
}

/** Plug-ins that are open, each behind its facade. */
export interface PluginParts {
  readonly auth: Map<string, AuthFacade>;
  readonly issuers: Map<string, IssuerFacade>;
  readonly anchors: AnchorFacade[];
  wallet?: WalletFacade;
  log?: LogFacade;
}

/** Opens plug-ins in turn, and adds how to close each. */
export async function createPlugins(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
  { store, logger, metrics, onFatal }: PluginTools,
  closers: (() => Promise<void> | void)[],
): Promise<PluginParts> {
  const parts: PluginParts = { auth: new Map(), issuers: new Map(), anchors: [] };
  for (const { selected, plugin, config: settings } of loaded) {
    const { kind, name } = selected;
    const host = createHost({
      kind,
      name,
      publicUrl: config.publicUrl,
      dataDirectory: config.dataDirectory,
      origin: config.origin,
      allowPrivate: config.allowPrivate,
      now,
      logger,
      measure: (measurement, value) => metrics.pluginValues.with(`${kind}.${name}`, measurement).add(value),
      store: openKeyValueStore(store, `${kind}.${name}`, now),
    });
    const guard = createGuard(`${kind}(${name})`, deadlines.create);
    const instance = await guard.run("create", "boot", () => plugin.create(settings, host));
    assertMethods(instance, methodsOf[selected.needs ?? kind], guard);
    // A plug-in that cannot close must not keep the others and the store open.
    closers.push(() =>
      guard
        .run("close", "close", () => instance.close())
        .catch((error: unknown) => logger.warn("plugin.close_failed", { plugin: guard.plugin, reason: String(error) })),
    );
    place(parts, selected.needs, plugin, name, instance, metrics, onFatal);
  }
  return parts;
}

/** What the broker calls of each contract. */
const methodsOf: Readonly<Record<"auth" | "wallet" | "audit" | "issuer" | "log" | "anchor", readonly string[]>> = {
  auth: ["start", "finish", "ready", "close"],
  wallet: ["start", "provision", "lookup", "ready", "close"],
  audit: ["ready", "close"],
  log: ["append", "head", "prove", "receipt", "read", "find", "ready", "close"],
  anchor: ["head", "publish", "ready", "close"],
  issuer: ["parseScope", "identityToken", "issue", "ready", "close"],
};

/** Refuses at boot what would fail at the first call. */
function assertMethods(instance: unknown, methods: readonly string[], guard: Guard): void {
  const found = (typeof instance === "object" && instance !== null ? instance : {}) as Record<string, unknown>;
  const missing = methods.filter((method) => typeof found[method] !== "function");
  if (missing.length > 0) throw guard.breach(`create gave an instance without ${missing.join(", ")}`);
}

function place(
  parts: PluginParts,
  needs: "log" | "anchor" | undefined,
  plugin: Plugin,
  name: string,
  instance: unknown,
  metrics: Metrics,
  onFatal: (error: Error) => void,
): void {
  const guardOf = (milliseconds: number): Guard => createGuard(`${plugin.kind}(${name})`, milliseconds, metrics);
  switch (plugin.kind) {
    case "auth": {
      const { identityTypes, capabilities } = plugin as Plugin<"auth">;
      const flow = capabilities.includes("out_of_band") ? "out_of_band" : "in_band";
      parts.auth.set(
        name,
        createAuthFacade(name, { identityTypes, flow }, instance as UserAuthMethod, guardOf(deadlines.auth)),
      );
      return;
    }
    case "wallet":
      parts.wallet = createWalletFacade(name, instance as WalletProvisioner, guardOf(deadlines.wallet));
      return;
    case "audit":
      if (needs === "log") parts.log = createLogFacade(name, instance as AuditLog, guardOf(deadlines.log), onFatal);
      else
        parts.anchors.push(
          createAnchorFacade(
            name,
            (plugin as Plugin<"audit">).manifest,
            instance as AuditAnchor,
            guardOf(deadlines.anchor),
          ),
        );
      return;
    case "issuer": {
      const isRemote = (plugin as Plugin<"issuer">).capabilities.includes("remote");
      const guard = guardOf(deadlines.issuer);
      parts.issuers.set(name, createIssuerFacade(name, instance as CredentialIssuer, isRemote, guard));
    }
  }
}

/** At most so many accounts' wallets are remembered. */
const mostWallets = 10_000;

async function assemble(
  config: BrokerConfig,
  loaded: readonly LoadedPlugin[],
  parts: PluginParts,
  { highWater, freeze }: Watch,
  { store, logger, metrics }: PluginTools,
  closers: (() => Promise<void> | void)[],
): Promise<Broker> {
  const { auth, issuers, anchors, wallet } = parts;
  const { log } = highWater;
  if (wallet === undefined) throw new AgentKeysError("ERR_INTERNAL", "the configuration selects no wallet", {});
  const random = createRandom();
  const needsRs256 = [...issuers.values()].some((issuer) => issuer.tokenAlgorithms.includes("RS256"));
  const keys = await openKeys(join(config.dataDirectory, "keys"), { rs256: needsRs256, now });
  const nonces = createNonces({ now, random });
  const readings = rememberReadings(createReadings(store.read), store, now);
  const outbox = createOutbox({ readings, store, log, logger });
  closers.push(() => outbox.close());
  const settling = new Set<string>();
  const wallets = rememberWallets(
    async (account) => (await wallet.lookup(account, "walletOf"))[0]?.address,
    mostWallets,
  );
  return {
    publicUrl: config.publicUrl,
    clients: config.clients,
    signUp: config.signUp,
    plugins: loaded.map(({ selected, version, integrity }) => ({
      kind: selected.kind,
      name: selected.name,
      package: selected.specifier,
      version,
      integrity,
    })),
    auth,
    wallet,
    log,
    highWater,
    freeze,
    anchors,
    issuers,
    rights: {
      rights: config.rights,
      ceilings: config.ceilings,
      policy: hash("sha256", formatPolicy(config.rights, config.ceilings)),
    },
    keys,
    accessTokens: createAccessTokens({ keys, issuer: config.publicUrl, now, random }),
    workloadTokens: createWorkloadTokens({ keys, issuer: config.publicUrl }),
    nonces,
    dpop: createDpopVerifier({ publicUrl: config.publicUrl, now, nonces }),
    store,
    readings,
    outbox,
    limits: createLimits(config.limits, now, metrics.limited),
    sources: createSourceReader(config.trustedProxies, config.forwardedHeader),
    forwardedHeader: config.forwardedHeader,
    auditors: openAuditors(config),
    metrics,
    anchorStates: new Map(),
    logger,
    onClaimed: () => removeClaimCode(config.dataDirectory),
    now,
    random,
    settleRefresh(session, tokenId) {
      if (settling.has(tokenId)) return;
      settling.add(tokenId);
      void store
        .write("settleRefreshToken", { session, tokenId })
        .catch((error: unknown) => logger.warn("session.not_settled", { session, reason: String(error) }))
        .finally(() => settling.delete(tokenId));
    },
    walletOf: (account) => wallets.of(account),
    forgetWallet: (account) => wallets.forget(account),
  };
}
