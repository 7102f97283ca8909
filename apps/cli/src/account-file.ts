import { AgentKeysError } from "@agentkeys/core";
import {
  importKey,
  openConnection,
  parseTrust,
  type BrokerConnection,
  type Session,
  type Trust,
} from "@agentkeys/client";
import * as v from "valibot";
import { withFileLock } from "./file-lock.ts";
import { tryParseJson } from "./json.ts";
import { readPrivate, writePrivate } from "./private-file.ts";
import { largestIndex } from "./wallet/solana-key.ts";

const accountSchema = v.strictObject({
  version: v.literal(1),
  broker: v.string(),
  account: v.string(),
  sign_in: v.variant("method", [
    v.strictObject({
      method: v.literal("walletsig"),
      wallet: v.string(),
      /** Which Solana key of the wallet's words; left out for its Ethereum key. */
      solana: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(largestIndex))),
    }),
    v.strictObject({ method: v.literal("email"), email: v.string() }),
  ]),
  key: v.record(v.string(), v.string()),
  trust: v.strictObject({ log: v.string(), witnesses: v.array(v.string()) }),
  /** Left out once one has signed out. */
  session: v.optional(v.strictObject({ access_token: v.string(), expires_at: v.number(), refresh_token: v.string() })),
});

/** How a person signs in here. */
export type SignIn = v.InferOutput<typeof accountSchema>["sign_in"];

/** A person's account on one broker, as this home knows it. A secret: it holds the session and its key. */
export interface AccountFile {
  readonly broker: string;
  /** The OmniAccount. */
  readonly account: string;
  readonly signIn: SignIn;
  /** The private JWK that the session is bound to. */
  readonly key: Readonly<Record<string, string>>;
  /** The log's key as it was when one first signed in, and the witnesses named by the person. */
  readonly trust: Trust;
  /** Undefined once the person has signed out. */
  readonly session: Session | undefined;
}

/** The account of a home, or undefined where nobody signed in yet. Throws ERR_CONFIG_PROFILE for a damaged file. */
export async function readAccount(path: string): Promise<AccountFile | undefined> {
  const text = await readPrivate(path);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(accountSchema, tryParseJson(text));
  if (!parsed.success) {
    const reason = `${path} is damaged: ${v.getDotPath(parsed.issues[0]) ?? "it is not JSON"}`;
    throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
  }
  const { broker, account, sign_in: signIn, key, trust, session } = parsed.output;
  parseTrust(trust);
  if (session === undefined) return { broker, account, signIn, key, trust, session };
  const { access_token: accessToken, expires_at: expiresAt, refresh_token: refreshToken } = session;
  return { broker, account, signIn, key, trust, session: { accessToken, expiresAt, refreshToken } };
}

/** Stores the account; it survives a crash once this resolves. */
export async function writeAccount(path: string, file: AccountFile): Promise<void> {
  const { broker, account, signIn, key, trust, session } = file;
  const stored: v.InferInput<typeof accountSchema> = {
    version: 1,
    broker,
    account,
    sign_in: signIn,
    key,
    trust: { log: trust.log, witnesses: [...trust.witnesses] },
    ...(session === undefined ? {} : { session: sessionJson(session) }),
  };
  await writePrivate(path, `${JSON.stringify(stored, undefined, 2)}\n`);
}

function sessionJson({ accessToken, expiresAt, refreshToken }: Session) {
  return { access_token: accessToken, expires_at: expiresAt, refresh_token: refreshToken };
}

/** A connection with the account's session; renewed sessions go back into the file, one process at a time. */
export async function openAccount(path: string, file: AccountFile): Promise<BrokerConnection> {
  return openConnection({
    broker: file.broker,
    key: await importKey(file.key),
    session: file.session,
    keeper: {
      save: async (session) => writeAccount(path, { ...file, session }),
      exclusively: async (work) => withFileLock(`${path}.lock`, async () => work((await readAccount(path))?.session)),
    },
  });
}
