import type { AnchorFacade } from "./facade/anchor.ts";
import type { AuthFacade } from "./facade/auth.ts";
import type { IssuerFacade } from "./facade/issuer.ts";
import type { LogFacade } from "./facade/log.ts";
import type { WalletFacade } from "./facade/wallet.ts";
import type { Limits } from "./http/limits.ts";
import type { ForwardedHeader, SourceReader } from "./http/source.ts";
import type { Auditors } from "./http/auditors.ts";
import type { BrokerKeys } from "./keys/keys.ts";
import type { AnchorStates } from "./ops/anchor-states.ts";
import type { Freeze } from "./ops/freeze.ts";
import type { HighWater } from "./ops/high-water.ts";
import type { Logger } from "./ops/logger.ts";
import type { Metrics } from "./ops/metrics.ts";
import type { Outbox } from "./ops/outbox.ts";
import type { AccessTokens } from "./session/access-token.ts";
import type { DpopVerifier } from "./session/dpop.ts";
import type { Nonces } from "./session/nonces.ts";
import type { WorkloadTokens } from "./session/workload-token.ts";
import type { RightsInForce } from "./steps/rights.ts";
import type { Store } from "./store/engine-store.ts";
import type { Readings } from "./store/readings.ts";

/** A plug-in as the well-known document and the boot record name it. */
export interface InstalledPlugin {
  readonly kind: string;
  readonly name: string;
  readonly package: string;
  readonly version: string;
  /** `sha512-…` over the files of its package. */
  readonly integrity: string;
}

/** The composed broker: what flows and routes work with. It holds no state of its own that matters after a restart. */
export interface Broker {
  readonly publicUrl: string;
  readonly clients: readonly string[];
  readonly signUp: "first" | "invite" | "open";
  readonly plugins: readonly InstalledPlugin[];
  readonly auth: ReadonlyMap<string, AuthFacade>;
  readonly wallet: WalletFacade;
  readonly log: LogFacade;
  /** The newest head, known outside of data_dir. */
  readonly highWater: HighWater;
  /** Stops issuing when there is another log under our name. */
  readonly freeze: Freeze;
  readonly anchors: readonly AnchorFacade[];
  readonly issuers: ReadonlyMap<string, IssuerFacade>;
  readonly rights: RightsInForce;
  readonly keys: BrokerKeys;
  readonly accessTokens: AccessTokens;
  readonly workloadTokens: WorkloadTokens;
  readonly dpop: DpopVerifier;
  readonly nonces: Nonces;
  readonly store: Store;
  readonly readings: Readings;
  readonly outbox: Outbox;
  /** What is turned away before it costs anything. */
  readonly limits: Limits;
  /** Whose requests they are, and the one header a trusted proxy tells it in. */
  readonly sources: SourceReader;
  readonly forwardedHeader: ForwardedHeader;
  /** Tokens of auditors, who may read entry bundles. */
  readonly auditors: Auditors;
  readonly metrics: Metrics;
  readonly anchorStates: AnchorStates;
  readonly logger: Logger;
  /** Called when the claim code was spent: it stands nowhere any longer. */
  readonly onClaimed: () => void;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
  /** Ends the grace of a session's last refresh token, since the tokens that replaced it were seen in use. */
  settleRefresh(session: string, tokenId: string): void;
  /** The address of the account's bound wallet. */
  walletOf(account: string): Promise<string | undefined>;
  /** Forgets what `walletOf` remembered. */
  forgetWallet(account: string): void;
}
