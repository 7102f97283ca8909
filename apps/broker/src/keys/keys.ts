import { createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AgentKeysError } from "@agentkeys/core";
import type { KeyForm } from "./key-file.ts";
import { openKeySet, type KeySet } from "./key-set.ts";
import { thumbprint, type PublicJwk } from "./thumbprint.ts";

/** The algorithms the broker signs with (RFC 7518 section 3.1). */
export type SigningAlgorithm = "ES256" | "RS256";

/** A private key with everything that is said of it, imported once. */
export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: PublicJwk;
}

/** A JWK Set (RFC 7517 section 5) of public signing keys. */
export interface JsonWebKeySet {
  readonly keys: readonly (PublicJwk & { readonly use: "sig"; readonly alg: SigningAlgorithm; readonly kid: string })[];
}

/** What keys are for. Each purpose has keys of its own. */
export type KeyPurpose = "access-token" | "workload" | "workload-rs256";

/** The broker's signing keys: those that sign now, each by its purpose. Access tokens and workload tokens never share one. */
export interface BrokerKeys {
  readonly accessToken: SigningKey;
  readonly workload: SigningKey;
  /** Only where it was asked for. */
  readonly workloadRs256: SigningKey | undefined;
  /** Every key of a purpose whose signatures count now: current, next, and retired for as long as what it signed may live. */
  live(purpose: KeyPurpose): readonly SigningKey[];
  /**
   * Makes the next key of a purpose the one that signs, without a restart: it has stood in `jwks()` since the rotation before, so those
   * who cache the set know it. The old one stays there until the last thing it signed has expired. Durable when it resolves. Throws
   * ERR_CONFIG_KEY_FILE, also for a purpose without keys here.
   *
   * @example const { kid } = await keys.rotate("workload");
   */
  rotate(purpose: KeyPurpose): Promise<{ readonly kid: string }>;
  /** Every public key, as `/.well-known/jwks.json` shows it. */
  jwks(): JsonWebKeySet;
}

/**
 * Opens the keys in a folder (made with mode 0700), and makes at first boot those that are not there. Each open checks the mode of
 * each file again. Throws ERR_CONFIG_KEY_FILE.
 *
 * @example const keys = await openKeys(join(dataDirectory, "keys"), { rs256: false });
 */
export async function openKeys(
  directory: string,
  options: { readonly rs256: boolean; readonly now?: () => number },
): Promise<BrokerKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { now = Date.now } = options;
  const openSet = (name: KeyPurpose, algorithm: SigningAlgorithm): Promise<KeySet> =>
    openKeySet({
      directory,
      name,
      form: forms[algorithm],
      describe: (key) => describeKey(algorithm, key),
      keptFor: longestLives[name],
      now,
    });
  const [accessToken, workload, workloadRs256] = await Promise.all([
    openSet("access-token", "ES256"),
    openSet("workload", "ES256"),
    options.rs256 ? openSet("workload-rs256", "RS256") : undefined,
  ]);
  const sets: Readonly<Record<KeyPurpose, KeySet | undefined>> = {
    "access-token": accessToken,
    workload,
    "workload-rs256": workloadRs256,
  };
  return Object.freeze({
    get accessToken() {
      return accessToken.current;
    },
    get workload() {
      return workload.current;
    },
    get workloadRs256() {
      return workloadRs256?.current;
    },
    live: (purpose: KeyPurpose) => sets[purpose]?.live() ?? [],
    async rotate(purpose: KeyPurpose) {
      const set = sets[purpose];
      if (set === undefined) {
        const facts = { path: join(directory, `${purpose}.pem`), reason: "there are no keys for this purpose here" };
        throw new AgentKeysError("ERR_CONFIG_KEY_FILE", `${facts.path}: ${facts.reason}`, facts);
      }
      const { kid } = await set.rotate();
      return { kid };
    },
    jwks: () => ({
      keys: Object.values(sets)
        .flatMap((set) => set?.live() ?? [])
        .map(({ publicJwk, algorithm, kid }) => ({ ...publicJwk, use: "sig" as const, alg: algorithm, kid })),
    }),
  });
}

const hour = 3_600_000;

/** How long a retired key stays, in milliseconds: longer than anything it signed lives. */
const longestLives: Readonly<Record<KeyPurpose, number>> = {
  "access-token": hour,
  workload: 25 * hour,
  "workload-rs256": 25 * hour,
};

const makePair = promisify(generateKeyPair);

const forms: Readonly<Record<SigningAlgorithm, KeyForm>> = {
  ES256: {
    make: async () => (await makePair("ec", { namedCurve: "P-256" })).privateKey,
    isOf: (key) => key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1",
  },
  RS256: {
    make: async () => (await makePair("rsa", { modulusLength: 2048 })).privateKey,
    isOf: (key) => key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048,
  },
};

function describeKey(algorithm: SigningAlgorithm, privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  // A public JWK of Node holds the required members of its kind and nothing else.
  const publicJwk = publicKey.export({ format: "jwk" }) as PublicJwk;
  return Object.freeze({ algorithm, kid: thumbprint(publicJwk), privateKey, publicKey, publicJwk });
}
