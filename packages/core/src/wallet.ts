import type { Call, Json, Lifecycle } from "./call.ts";
import type { Challenge } from "./auth.ts";

/** A wallet bound to an account. */
export interface WalletHandle {
  /** Canonical address text of its chain family, e.g. a lower-case 0x address. */
  readonly address: string;
  /** `evm` or `solana`: the family of chains the address is of. */
  readonly family: "evm" | "solana";
  /** Who holds the key. */
  readonly custody: "person" | "contract" | "enclave" | "remote";
}

/** A payload to sign with a bound wallet. */
export interface SignatureRequest {
  readonly account: string;
  readonly address: string;
  readonly payload: Uint8Array;
}

/** The raw signature bytes. */
export interface Signature {
  readonly bytes: Uint8Array;
}

/**
 * Makes or binds the signing key of a person (seed name: `WalletProvisioner`).
 *
 * Obligations: binding needs a signature by the wallet over a challenge of the broker, once; the challenge names the account it
 * was made for and serves no other; binding again is the same handle; an address bound to another account is refused
 * (`ERR_WALLET_BOUND`), also in a race; a key kept by the person makes `sign` answer `ERR_WALLET_UNSUPPORTED`.
 */
export interface WalletProvisioner extends Lifecycle {
  start(account: string, ask: Json, call: Call): Promise<Challenge>;
  provision(account: string, answer: Json, call: Call): Promise<WalletHandle>;
  lookup(account: string, call: Call): Promise<readonly WalletHandle[]>;
  sign?(request: SignatureRequest, call: Call): Promise<Signature>;
}
