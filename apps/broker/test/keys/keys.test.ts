import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openKeyFile } from "../../src/keys/key-file.ts";
import { openKeys, type BrokerKeys } from "../../src/keys/keys.ts";
import { thumbprint } from "../../src/keys/thumbprint.ts";

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "keys-"));
  folder = join(parent, "keys");
});
afterEach(() => rmSync(parent, { recursive: true }));

const open = (rs256 = false): Promise<BrokerKeys> => openKeys(folder, { rs256 });
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const pkcs8 = (key: ReturnType<typeof createPrivateKey>): string =>
  key.export({ type: "pkcs8", format: "pem" }).toString();

describe("key files", () => {
  test("the first boot makes each as PKCS#8 PEM of mode 0600 in a folder of mode 0700, and leaves no draft", async () => {
    await open(true);
    const files = ["access-token", "workload-rs256", "workload"].flatMap((name) => [`${name}.next.pem`, `${name}.pem`]);
    expect(readdirSync(folder).toSorted()).toStrictEqual(files);
    expect(new Set(files.map((file) => modeOf(join(folder, file))))).toStrictEqual(new Set(["600"]));
    expect(modeOf(folder)).toBe("700");
    for (const file of files)
      expect(readFileSync(join(folder, file), "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/u);
  });

  test("every later boot has the same keys, and an RS256 key only where it is asked for", async () => {
    const first = await open();
    const second = await open(true);
    expect(first.workloadRs256).toBeUndefined();
    expect(second.accessToken.kid).toBe(first.accessToken.kid);
    expect(second.workload.kid).toBe(first.workload.kid);
    expect((await open(true)).jwks()).toStrictEqual(second.jwks());
    expect((await open()).jwks().keys).toHaveLength(4);
  });

  test("of two who make a key at once the slower has that of the faster", async () => {
    const [mine, theirs] = [1, 2].map(() => generateKeyPairSync("ed25519").privateKey);
    const path = join(parent, "key.pem");
    const make = async () => {
      writeFileSync(path, pkcs8(theirs!), { mode: 0o600 });
      return mine!;
    };
    const opened = await openKeyFile(path, { make, isOf: () => true });
    expect(pkcs8(opened)).toBe(pkcs8(theirs!));
    expect(readFileSync(path, "utf8")).toBe(pkcs8(theirs!));
  });

  test("the mode is checked at every open, not only at the first", async () => {
    await open();
    for (const mode of [0o640, 0o604, 0o620, 0o601, 0o644, 0o660]) {
      chmodSync(join(folder, "workload.pem"), mode);
      await expect(open(), mode.toString(8)).rejects.toMatchObject({
        code: "ERR_CONFIG_KEY_FILE",
        facts: { path: join(folder, "workload.pem"), reason: expect.stringContaining(mode.toString(8)) },
      });
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(join(folder, "workload.pem"), mode);
      await open();
    }
  });

  test("a file that holds no such key is refused and stays as it is", async () => {
    await open();
    const wrong = {
      empty: "",
      text: "not a key",
      "another curve": pkcs8(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey),
      "another kind": pkcs8(generateKeyPairSync("ed25519").privateKey),
      "a public key": generateKeyPairSync("ec", { namedCurve: "P-256" })
        .publicKey.export({ type: "spki", format: "pem" })
        .toString(),
    };
    for (const [what, text] of Object.entries(wrong)) {
      const path = join(folder, "access-token.pem");
      writeFileSync(path, text);
      await expect(open(), what).rejects.toMatchObject({ code: "ERR_CONFIG_KEY_FILE", facts: { path } });
      expect(readFileSync(path, "utf8")).toBe(text);
    }
  });

  test("an RSA key under 2048 bits is refused", async () => {
    await open();
    const path = join(folder, "workload-rs256.pem");
    writeFileSync(path, pkcs8(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey), { mode: 0o600 });
    await expect(open(true)).rejects.toMatchObject({ code: "ERR_CONFIG_KEY_FILE", facts: { path } });
  });

  test("a folder where the key's name is taken by something else is an error, not a new key", async () => {
    await open();
    rmSync(join(folder, "workload.pem"));
    await openKeys(join(folder, "workload.pem"), { rs256: false });
    await expect(open()).rejects.toMatchObject({ code: "ERR_CONFIG_KEY_FILE" });
  });
});

describe("the JWK Set", () => {
  test("it holds every public key with use, alg and its thumbprint as kid, and nothing private", async () => {
    const keys = await open(true);
    const set = keys.jwks();
    expect(set.keys.map(({ alg, use, kty }) => [alg, use, kty])).toStrictEqual([
      ...Array.from({ length: 4 }, () => ["ES256", "sig", "EC"]),
      ...Array.from({ length: 2 }, () => ["RS256", "sig", "RSA"]),
    ]);
    expect(new Set(set.keys.map(({ kid }) => kid)).size).toBe(6);
    for (const key of set.keys) {
      expect(Object.keys(key).filter((member) => ["d", "p", "q", "dp", "dq", "qi", "k"].includes(member))).toHaveLength(
        0,
      );
      expect(key.kid).toBe(await calculateJwkThumbprint(key));
    }
  });

  test("another library verifies with it what the keys sign", async () => {
    const keys = await open(true);
    const set = createLocalJWKSet({ keys: keys.jwks().keys.map((key) => ({ ...key })) });
    for (const key of [keys.accessToken, keys.workload, keys.workloadRs256!]) {
      const jwt = await new SignJWT({ iss: "x" })
        .setProtectedHeader({ alg: key.algorithm, kid: key.kid })
        .sign(createPrivateKey(pkcs8(key.privateKey)));
      expect((await jwtVerify(jwt, set)).payload.iss).toBe("x");
    }
  });
});

describe("thumbprints", () => {
  test("RFC 7638 section 3.1: the RSA example", () => {
    const jwk = {
      kty: "RSA",
      n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
      e: "AQAB",
      alg: "RS256",
      kid: "2011-04-29",
    } as const;
    expect(thumbprint(jwk)).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });

  test("RFC 8037 appendix A.3: the Ed25519 example", () => {
    const jwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } as const;
    expect(thumbprint(jwk)).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });

  test("RFC 9449 section 6.1: the P-256 example", () => {
    const jwk = {
      kty: "EC",
      x: "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
      y: "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
      crv: "P-256",
    } as const;
    expect(thumbprint(jwk)).toBe("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
  });
});
