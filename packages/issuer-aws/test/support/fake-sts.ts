// STS at the network edge: it verifies the token for real, keeps what it gave, and can be down, slow or a liar.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createLocalJWKSet, jwtVerify } from "jose";
import type { IdentityTokens } from "@agentkeys/testkit";

/** A session that was given. */
export interface GivenSession {
  readonly policy: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly claims: { readonly [name: string]: unknown };
  readonly name: string;
}

/** What the answer says in place of the truth. */
export interface Lie {
  readonly arn?: string;
  /** Seconds the credential ends later. */
  readonly later?: number;
  /** The whole answer. */
  readonly body?: string;
  /** Of the whole answer; 200 by default. */
  readonly status?: number;
  /** Refuses every ask with this word. */
  readonly word?: string;
}

/** A far side in the hand of a test. */
export interface FakeSts {
  readonly endpoint: string;
  /** The headers of the last ask. */
  readonly headers: IncomingHttpHeaders;
  readonly sessions: ReadonlyMap<string, GivenSession>;
  /** How often it was asked. */
  readonly asked: number;
  lie: Lie;
  /** So many answers from now on say that there were too many. */
  throttled: number;
  down(): void;
  hang(): void;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Starts it for a role; `now` is its clock, in milliseconds. */
export async function startFakeSts(
  role: { readonly arn: string; readonly account: string; readonly name: string },
  tokens: IdentityTokens,
  now: () => number,
): Promise<FakeSts> {
  const keys = createLocalJWKSet(tokens.jwks as unknown as Parameters<typeof createLocalJWKSet>[0]);
  const sessions = new Map<string, GivenSession>();
  const sockets = new Set<Socket>();
  let state: "down" | "hang" | "up" = "up";
  let asked = 0;
  let headers: IncomingHttpHeaders = {};

  async function answer(form: URLSearchParams, outgoing: ServerResponse): Promise<void> {
    const refuse = (status: number, code: string): void => {
      outgoing.writeHead(status, { "content-type": "text/xml" });
      outgoing.end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
      );
    };
    if (sts.throttled > 0) {
      sts.throttled -= 1;
      refuse(400, "Throttling");
      return;
    }
    if (sts.lie.word !== undefined) {
      refuse(400, sts.lie.word);
      return;
    }
    if (sts.lie.status !== undefined) {
      outgoing.writeHead(sts.lie.status, { "content-type": "text/html" });
      outgoing.end(sts.lie.body);
      return;
    }
    const seconds = Number(form.get("DurationSeconds"));
    if (form.get("Action") !== "AssumeRoleWithWebIdentity" || form.get("RoleArn") !== role.arn || !(seconds >= 900)) {
      refuse(400, "ValidationError");
      return;
    }
    let claims: GivenSession["claims"];
    try {
      const options = { issuer: tokens.issuer, audience: "sts.amazonaws.com", currentDate: new Date(now()) };
      ({ payload: claims } = await jwtVerify(form.get("WebIdentityToken") ?? "", keys, options));
    } catch {
      refuse(400, "InvalidIdentityToken");
      return;
    }
    const policy = form.get("Policy") ?? "";
    if (policy.length > 2048) {
      refuse(400, "PackedPolicyTooLarge");
      return;
    }
    const key = `ASIA${randomBytes(8).toString("hex").toUpperCase()}`;
    const name = form.get("RoleSessionName") ?? "";
    const expiresAt = Math.floor(now() / 1000) + seconds + (sts.lie.later ?? 0);
    sessions.set(key, { policy, expiresAt, claims, name });
    const arn = sts.lie.arn ?? `arn:aws:sts::${role.account}:assumed-role/${role.name}/${name}`;
    outgoing.writeHead(200, { "content-type": "text/xml" });
    outgoing.end(
      sts.lie.body ??
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>AROA1:${name}</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>secret${randomBytes(20).toString("hex")}</SecretAccessKey>
<SessionToken>session${randomBytes(60).toString("hex")}</SessionToken><Expiration>${new Date(expiresAt * 1000).toISOString()}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  }

  const server: Server = createServer((incoming, outgoing) => {
    asked += 1;
    headers = incoming.headers;
    if (state === "hang") return;
    void text(incoming).then(async (body) => answer(new URLSearchParams(body), outgoing));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (state === "down") socket.destroy();
  });
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const sts: FakeSts = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    get headers() {
      return headers;
    },
    get asked() {
      return asked;
    },
    lie: {},
    throttled: 0,
    down() {
      state = "down";
      destroyAll();
    },
    hang() {
      state = "hang";
    },
    async up() {
      state = "up";
      destroyAll();
    },
    async close() {
      destroyAll();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return sts;
}
