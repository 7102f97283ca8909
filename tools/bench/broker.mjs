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

/** What an agent asks for. */
const mintAsk = { issuer: "oidc", scope, ttl: 300 };

/**
 * Writes what an operator would: a configuration, with the packages beside it.
 *
 * @param {string} folder a new one
 * @param {{ isSilent?: boolean, limits?: Readonly<Record<string, number>> }} [options] with `isSilent`, the log that records nothing;
 *   `limits` in place of the defaults of that name
 */
export async function prepareBroker(folder, { isSilent = false, limits = {} } = {}) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const audit = isSilent ? '\n[audit]\nlog = "silent"\n\n[audit.silent]\nplugin = "./silent-log.mjs"\n' : "";
  const limited = ["\n[limits]", ...Object.entries(limits).map(([name, most]) => `${name} = ${most}`)].join("\n");
  await mkdir(folder);
  await symlink(installation, join(folder, "node_modules"));
  if (isSilent) await copyFile(join(import.meta.dirname, "silent-log.mjs"), join(folder, "silent-log.mjs"));
  const config = join(folder, "agentkeys.toml");
  await writeFile(config, `[broker]\nlisten = "${new URL(url).host}"\ndata_dir = "data"\n${audit}${limited}\n`);
  return { url, folder, start: [brokerProgram, ["--config", config]] };
}

/**
 * A running broker with a person and so many agents that hold a grant. `fill` is called once the log is made, while the broker is
 * stopped.
 *
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 * @param {{ isSilent?: boolean, limits?: Readonly<Record<string, number>>, agents?: number, fill?: (data: string, url: string) => Promise<void> }} [options]
 */
export async function openParties(children, folder, { isSilent = false, limits = {}, agents = 8, fill } = {}) {
  const { url, start } = await prepareBroker(folder, { isSilent, limits });
  const run = () => children.start(.../** @type {[string, string[]]} */ (start));
  if (fill !== undefined) {
    await children.stop((await run()).child);
    await fill(join(folder, "data"), url);
  }
  const { child, pid } = await run();
  const person = new Caller(url, { nonce: "" });
  await claim(person, (await readFile(join(folder, "data/claim-code"), "utf8")).trim());
  /** @type {Agent[]} */
  const paired = [];
  for (let made = 0; made < agents; made++) paired.push(await pair(person));
  return { url, child, pid, person, agents: paired };
}

/**
 * A running broker, ready to be loaded.
 *
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 * @param {Parameters<typeof openParties>[2]} [options]
 * @returns {Promise<import("./load.mjs").Target>}
 */
export async function openBroker(children, folder, options = {}) {
  const { url, pid, agents } = await openParties(children, folder, options);
  const answer = await fetch(`${url}/.well-known/agentkeys`, { signal: AbortSignal.timeout(10_000) });
  const known = /** @type {{ log: { vkey: string } }} */ (await answer.json());
  return {
    origin: url,
    path: "/v1/credentials",
    pid,
    contentType: "application/json",
    body: JSON.stringify(mintAsk),
    callers: agents.map(({ caller, id }) => ({
      authorization: `DPoP ${caller.token}`,
      pem: caller.key.toPem(),
      agent: id,
    })),
    scope: scopeText,
    ...(options.isSilent === true ? {} : { vkey: known.log.vkey }),
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
export async function pair(/** @type {Caller} */ person) {
  const caller = new Caller(person.url, person.shared);
  const client = { client_id: "agentkeys" };
  const started = await caller.post(
    "/oauth/device_authorization",
    new URLSearchParams({ ...client, client_name: "bench" }),
  );
  const { id } = await person.post("/v1/pairings/approve", { user_code: started.user_code });
  const tokens = await caller.post(
    "/oauth/token",
    new URLSearchParams({
      ...client,
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: started.device_code,
    }),
  );
  caller.token = tokens.access_token;
  const agent = new Agent(caller, String(id));
  await agent.takeGrant(person);
  return agent;
}

/** An agent with one grant. */
export class Agent {
  grant = "";

  /**
   * @param {Caller} caller
   * @param {string} id
   */
  constructor(caller, id) {
    this.caller = caller;
    this.id = id;
  }

  async takeGrant(/** @type {Caller} */ person) {
    const wanted = { agent: this.id, issuer: "oidc", scope, constraints: { max_ttl: 600 } };
    this.grant = (await person.post("/v1/grants", wanted)).id;
  }

  async dropGrant(/** @type {Caller} */ person) {
    await person.delete(`/v1/grants/${this.grant}`);
  }

  /** Ends the agent itself. */
  async leave(/** @type {Caller} */ person) {
    await person.delete(`/v1/agents/${this.id}`);
  }

  /** True when a credential was given, false when no grant allows it any more, or the agent is no more. */
  async mint() {
    const { status, body } = await this.caller.try("POST", "/v1/credentials", mintAsk);
    if (status === 200) return true;
    if (!["ERR_GRANT_DENIED", "ERR_GRANT_NOT_FOUND", "ERR_SESSION_TOKEN"].includes(body.code))
      throw new Error(`a mint was answered with ${JSON.stringify(body)}`);
    return false;
  }
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
    const answer = await this.try("POST", path, body);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async delete(/** @type {string} */ path) {
    const answer = await this.try("DELETE", path);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  /**
   * Sends a request, once more with the nonce that is asked for.
   *
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async try(method, path, body) {
    const answer = await this.#send(method, path, body);
    const isStale = answer.body?.code === "ERR_SESSION_NONCE" || answer.body?.error === "use_dpop_nonce";
    return isStale ? this.#send(method, path, body) : answer;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #send(method, path, body) {
    const isForm = body instanceof URLSearchParams;
    const { token } = this;
    const proof = this.key.prove({
      htm: method,
      htu: this.url + path,
      jti: randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      ...(this.shared.nonce === "" ? {} : { nonce: this.shared.nonce }),
      ...(token === undefined ? {} : { ath: hashToken(token) }),
    });
    const response = await fetch(this.url + path, {
      method,
      headers: {
        dpop: proof,
        "idempotency-key": randomUUID(),
        ...(token === undefined ? {} : { authorization: `DPoP ${token}` }),
        ...(isForm || body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    this.shared.nonce = response.headers.get("dpop-nonce") ?? this.shared.nonce;
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  }
}
