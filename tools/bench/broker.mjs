// A broker in a folder of its own, claimed and given agents through HTTP alone.
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./children.mjs";
import { brokerProgram, importEthers, installation } from "./packages.mjs";
import { hashToken, ProofKey } from "./proof.mjs";

/** A scope whose canonical text has 60 characters. */
export const scope = { actions: ["token"], resources: ["https://api.example.co"] };
export const scopeText = JSON.stringify(scope);

/**
 * Writes what an operator would: a configuration, with the packages beside it.
 *
 * @param {string} folder a new one
 * @param {{ isSilent?: boolean }} [options] with `isSilent`, the log that records nothing
 */
export async function prepareBroker(folder, { isSilent = false } = {}) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const audit = isSilent ? '\n[audit]\nlog = "silent"\n\n[audit.silent]\nplugin = "./silent-log.mjs"\n' : "";
  await mkdir(folder);
  await symlink(installation, join(folder, "node_modules"));
  if (isSilent) await copyFile(join(import.meta.dirname, "silent-log.mjs"), join(folder, "silent-log.mjs"));
  const config = join(folder, "agentkeys.toml");
  await writeFile(config, `[broker]\nlisten = "${new URL(url).host}"\ndata_dir = "data"\n${audit}`);
  return { url, folder, start: [brokerProgram, ["--config", config]] };
}

/**
 * A running broker with so many agents that hold a grant, ready to be loaded.
 *
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 * @param {{ isSilent?: boolean, agents?: number }} [options]
 * @returns {Promise<import("./load.mjs").Target>}
 */
export async function openBroker(children, folder, { isSilent = false, agents = 8 } = {}) {
  const { url, start } = await prepareBroker(folder, { isSilent });
  const { pid } = await children.start(.../** @type {[string, string[]]} */ (start));
  const person = new Caller(url, { nonce: "" });
  await claim(person, (await readFile(join(folder, "data/claim-code"), "utf8")).trim());
  const callers = [];
  for (let made = 0; made < agents; made++) callers.push(await pair(person));
  const answer = await fetch(`${url}/.well-known/agentkeys`, { signal: AbortSignal.timeout(10_000) });
  const known = /** @type {{ log: { vkey: string } }} */ (await answer.json());
  return {
    origin: url,
    path: "/v1/credentials",
    pid,
    contentType: "application/json",
    body: JSON.stringify({ issuer: "oidc", scope, ttl: 300 }),
    callers,
    scope: scopeText,
    ...(isSilent ? {} : { vkey: known.log.vkey }),
  };
}

/** Makes the first account, of a new wallet. */
async function claim(/** @type {Caller} */ person, /** @type {string} */ code) {
  const { Wallet } = await importEthers();
  const wallet = Wallet.createRandom();
  const ask = { address: wallet.address, chain_id: 1, claim_code: code };
  const { challenge_id, message } = await person.post("/v1/auth/walletsig/start", ask);
  const signature = await wallet.signMessage(message);
  person.token = (await person.post("/v1/auth/walletsig/finish", { challenge_id, message, signature })).access_token;
}

/** An agent of the person with a grant. */
async function pair(/** @type {Caller} */ person) {
  const caller = new Caller(person.url, person.shared);
  const client = { client_id: "agentkeys" };
  const started = await caller.post(
    "/oauth/device_authorization",
    new URLSearchParams({ ...client, client_name: "bench" }),
  );
  const agent = await person.post("/v1/pairings/approve", { user_code: started.user_code });
  const tokens = await caller.post(
    "/oauth/token",
    new URLSearchParams({
      ...client,
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: started.device_code,
    }),
  );
  await person.post("/v1/grants", { agent: agent.id, issuer: "oidc", scope, constraints: { max_ttl: 600 } });
  return { authorization: `DPoP ${tokens.access_token}`, pem: caller.key.toPem(), agent: String(agent.id) };
}

/** A caller with a key. The server's nonce is shared, so that setting up costs few requests. */
class Caller {
  key = ProofKey.make();
  /** @type {string | undefined} */
  token;

  /**
   * @param {string} url
   * @param {{ nonce: string }} shared
   */
  constructor(url, shared) {
    this.url = url;
    this.shared = shared;
  }

  /**
   * Posts JSON or a form; throws unless it is answered well.
   *
   * @param {string} path
   * @param {object} body
   * @returns {Promise<any>}
   */
  async post(path, body) {
    let answer = await this.#send(path, body);
    if (answer.body.code === "ERR_SESSION_NONCE" || answer.body.error === "use_dpop_nonce")
      answer = await this.#send(path, body);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async #send(/** @type {string} */ path, /** @type {object} */ body) {
    const isForm = body instanceof URLSearchParams;
    const { token } = this;
    const proof = this.key.prove({
      htm: "POST",
      htu: this.url + path,
      jti: randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      ...(this.shared.nonce === "" ? {} : { nonce: this.shared.nonce }),
      ...(token === undefined ? {} : { ath: hashToken(token) }),
    });
    const response = await fetch(this.url + path, {
      method: "POST",
      headers: {
        dpop: proof,
        ...(token === undefined ? {} : { authorization: `DPoP ${token}` }),
        ...(isForm ? {} : { "content-type": "application/json" }),
      },
      body: isForm ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    this.shared.nonce = response.headers.get("dpop-nonce") ?? this.shared.nonce;
    return { status: response.status, body: /** @type {any} */ (await response.json()) };
  }
}
