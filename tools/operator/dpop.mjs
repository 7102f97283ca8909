// The least a caller needs to hold a session: a P-256 key and proofs made with it (RFC 9449).
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Calls a broker with a DPoP proof, once more with the nonce it asks for. */
export class Caller {
  #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  #nonce = "";
  /** @type {string | undefined} set once signed in */
  token;

  /** @param {string} url the broker's */
  constructor(url) {
    this.url = url;
  }

  /**
   * @param {"GET" | "POST"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<{status: number, body: any}>}
   */
  async call(method, path, body) {
    const first = await this.#send(method, path, body);
    return first.body.code === "ERR_SESSION_NONCE" ? this.#send(method, path, body) : first;
  }

  /** @returns {Promise<{status: number, body: any}>} */
  async #send(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        dpop: this.#prove(method, path),
        ...(this.token === undefined ? {} : { authorization: `DPoP ${this.token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    this.#nonce = response.headers.get("dpop-nonce") ?? this.#nonce;
    return { status: response.status, body: await response.json() };
  }

  #prove(method, path) {
    const { kty, crv, x, y } = this.#keys.publicKey.export({ format: "jwk" });
    const header = encode({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } });
    const claims = encode({
      htm: method,
      htu: this.url + path,
      jti: randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      ...(this.#nonce === "" ? {} : { nonce: this.#nonce }),
      ...(this.token === undefined ? {} : { ath: createHash("sha256").update(this.token).digest("base64url") }),
    });
    const key = /** @type {const} */ ({ key: this.#keys.privateKey, dsaEncoding: "ieee-p1363" });
    const signature = sign("sha256", Buffer.from(`${header}.${claims}`), key).toString("base64url");
    return `${header}.${claims}.${signature}`;
  }
}
