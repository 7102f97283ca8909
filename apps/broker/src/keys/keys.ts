import { createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { openKeyFile, type KeyForm } from "./key-file.ts";
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

/** The broker's signing keys. Access tokens and workload tokens never share one. */
export interface BrokerKeys {
  readonly accessToken: SigningKey;
  readonly workload: SigningKey;
  /** Only where it was asked for. */
  readonly workloadRs256: SigningKey | undefined;
  /** Every public key, as `/.well-known/jwks.json` shows it. */
  jwks(): JsonWebKeySet;
}

/**
 * Opens the keys in a folder (made with mode 0700), and makes at first boot those that are not there. Each open checks the mode of
 * each file again. Throws ERR_CONFIG_KEY_FILE.
 *
 * @example const keys = await openKeys(join(dataDirectory, "keys"), { rs256: false });
 */
export async function openKeys(directory: string, options: { readonly rs256: boolean }): Promise<BrokerKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const openAs = async (file: string, algorithm: SigningAlgorithm): Promise<SigningKey> =>
    describeKey(algorithm, await openKeyFile(join(directory, file), forms[algorithm]));
  const [accessToken, workload, workloadRs256] = await Promise.all([
    openAs("access-token.pem", "ES256"),
    openAs("workload.pem", "ES256"),
    options.rs256 ? openAs("workload-rs256.pem", "RS256") : undefined,
  ]);
  const all = workloadRs256 === undefined ? [accessToken, workload] : [accessToken, workload, workloadRs256];
  const set: JsonWebKeySet = {
    keys: all.map(({ publicJwk, algorithm, kid }) => ({ ...publicJwk, use: "sig", alg: algorithm, kid })),
  };
  return Object.freeze({ accessToken, workload, workloadRs256, jwks: () => set });
}

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
