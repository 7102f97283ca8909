// A real broker on a free port, and the callers of its routes: no part of it is replaced.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { hash, randomUUID } from "node:crypto";
import { Wallet, type HDNodeWallet } from "ethers";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { findUndescribed } from "./described.ts";
import { createLogger, readConfig, startBroker, type RunningBroker } from "../../src/index.ts";

// Under the package's folder, so that plug-ins resolve from the configuration file as an operator's do.
const root = join(import.meta.dirname, "../../.agentkeys-test");

/** What its callers need of a broker, wherever it runs. */
export interface ReachableBroker {
  readonly url: string;
  claimCode(): string;
}

export interface TestBroker extends ReachableBroker {
  readonly folder: string;
  readonly lines: string[];
  restart(): Promise<void>;
  /** Leaves the folder as it is. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a broker with extra TOML behind the [broker] table. */
export async function openBroker(toml = "", listenPort?: number): Promise<TestBroker> {
  mkdirSync(root, { recursive: true });
  const folder = mkdtempSync(join(root, "b-"));
  const port = listenPort ?? (await freePort());
  const file = join(folder, "agentkeys.toml");
  writeFileSync(file, `[broker]\nlisten = "127.0.0.1:${port}"\ndata_dir = "data"\n${toml}`);
  const lines: string[] = [];
  const logger = createLogger((line) => lines.push(line), Date.now, readConfig(file).logLevel);
  const boot = (): Promise<RunningBroker> =>
    startBroker(
      readConfig(file),
      logger,
      (text) => lines.push(text),
      (error) => lines.push(`fatal ${String(error)}`),
    );
  let running: RunningBroker | undefined = await boot();
  const stop = async (): Promise<void> => {
    await running?.close();
    running = undefined;
  };
  return {
    url: running.publicUrl,
    folder,
    lines,
    claimCode: () => readFileSync(join(folder, "data/claim-code"), "utf8").trim(),
    async restart() {
      await stop();
      running = await boot();
    },
    stop,
    async close() {
      await running?.close();
      running = undefined;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, whose members the tests assert on. */
  readonly body: ReturnType<typeof JSON.parse>;
}

/** A caller with a DPoP key of its own. */
export class Caller {
  readonly #url: string;
  readonly #key: CryptoKey;
  readonly jwk: JWK;
  nonce: string | undefined;
  token: string | undefined;
  refreshToken: string | undefined;
  /** Sent with every call. */
  headers: Record<string, string> = {};

  private constructor(url: string, key: CryptoKey, jwk: JWK) {
    this.#url = url;
    this.#key = key;
    this.jwk = jwk;
  }

  static async open(url: string): Promise<Caller> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    return new Caller(url, privateKey, await exportJWK(publicKey));
  }

  async proof(method: string, path: string, change: Record<string, unknown> = {}): Promise<string> {
    const ath = this.token === undefined ? {} : { ath: hash("sha256", this.token, "base64url") };
    const payload = {
      jti: randomUUID(),
      htm: method,
      htu: this.#url + path,
      ...ath,
      ...(this.nonce === undefined ? {} : { nonce: this.nonce }),
      iat: Math.floor(Date.now() / 1000),
      ...change,
    };
    return new SignJWT(payload).setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: this.jwk }).sign(this.#key);
  }

  /** One call; repeated once with the server's nonce when it asks for one. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const first = await this.once(method, path, body, headers);
    return first.body["code"] === "ERR_SESSION_NONCE" ? this.once(method, path, body, headers) : first;
  }

  async once(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const bare = path.split("?")[0] ?? path;
    const isForm = body instanceof URLSearchParams;
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        dpop: await this.proof(method, bare),
        ...(this.token === undefined ? {} : { authorization: `DPoP ${this.token}` }),
        ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
        ...this.headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    return this.#read(response, method, new URL(this.#url + bare).pathname);
  }

  async #read(response: Response, method: string, path: string): Promise<Answer> {
    this.nonce = response.headers.get("dpop-nonce") ?? this.nonce;
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const isJson = /json/u.test(type);
    const undescribed = findUndescribed({
      method,
      path,
      status: response.status,
      type,
      body: isJson ? JSON.parse(text) : text,
    });
    if (undescribed !== undefined) throw new Error(`not as /openapi.json says: ${undescribed}`);
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : { text }) as Record<string, unknown>,
    };
  }

  take(tokens: Answer["body"]): this {
    this.token = tokens["access_token"] as string;
    this.refreshToken = tokens["refresh_token"] as string;
    return this;
  }
}

/** Signs in with a wallet; answers the finish answer as it is. */
export async function signIn(caller: Caller, wallet: HDNodeWallet | Wallet, claimCode?: string): Promise<Answer> {
  const { token } = caller;
  caller.token = undefined;
  const start = await caller.call("POST", "/v1/auth/walletsig/start", {
    address: wallet.address,
    chain_id: 1,
    ...(claimCode === undefined ? {} : { claim_code: claimCode }),
  });
  if (start.status !== 200) {
    caller.token = token;
    return start;
  }
  const signature = await wallet.signMessage(start.body["message"] as string);
  return caller.call("POST", "/v1/auth/walletsig/finish", {
    challenge_id: start.body["challenge_id"],
    message: start.body["message"],
    signature,
  });
}

/** The operator of a new broker, signed in. */
export async function claim(
  broker: ReachableBroker,
): Promise<{ caller: Caller; wallet: HDNodeWallet; account: string }> {
  const caller = await Caller.open(broker.url);
  const wallet = Wallet.createRandom();
  const answer = await signIn(caller, wallet, broker.claimCode());
  if (answer.status !== 200) throw new Error(`claim: ${JSON.stringify(answer.body)}`);
  return { caller: caller.take(answer.body), wallet, account: answer.body["account"] as string };
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

/** Starts a pairing as an agent. */
export async function startPairing(agent: Caller, name = "build-bot"): Promise<Answer> {
  return agent.call(
    "POST",
    "/oauth/device_authorization",
    new URLSearchParams({ client_id: "agentkeys", client_name: name }),
  );
}

export async function poll(agent: Caller, deviceCode: string): Promise<Answer> {
  return agent.call(
    "POST",
    "/oauth/token",
    new URLSearchParams({ grant_type: deviceGrant, device_code: deviceCode, client_id: "agentkeys" }),
  );
}

/** An agent of the person, paired and approved. */
export async function pair(
  broker: Pick<ReachableBroker, "url">,
  person: Caller,
  headers: Record<string, string> = {},
): Promise<{ agent: Caller; id: string }> {
  const agent = await Caller.open(broker.url);
  agent.headers = headers;
  const started = await startPairing(agent);
  const approved = await person.call("POST", "/v1/pairings/approve", { user_code: started.body["user_code"] });
  if (approved.status !== 201) throw new Error(`approve: ${JSON.stringify(approved.body)}`);
  const tokens = await poll(agent, started.body["device_code"] as string);
  if (tokens.status !== 200) throw new Error(`poll: ${JSON.stringify(tokens.body)}`);
  return { agent: agent.take(tokens.body), id: approved.body["id"] as string };
}

export const audience = "https://api.example.com";
export const scope = { actions: ["token"], resources: [audience] };

/** A grant for an agent. */
export async function grant(person: Caller, agent: string, change: Record<string, unknown> = {}): Promise<Answer> {
  return person.call("POST", "/v1/grants", { agent, issuer: "oidc", scope, constraints: { max_ttl: 600 }, ...change });
}

/** An agent's ask for a credential. */
export async function ask(
  agent: Caller,
  change: Record<string, unknown> = {},
  key: string = randomUUID(),
): Promise<Answer> {
  return agent.call(
    "POST",
    "/v1/credentials",
    { issuer: "oidc", scope, ttl: 300, ...change },
    { "idempotency-key": key },
  );
}
