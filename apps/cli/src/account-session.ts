import { exportKey, importKey, makeKey, openConnection, type BrokerConnection, type Session } from "@agentkeys/client";
import { AgentKeysError, isAgentKeysError, type ErrorCode } from "@agentkeys/core";
import type { HDNodeWallet } from "ethers";
import { openAccount, writeAccount, type AccountFile, type SignIn } from "./account-file.ts";
import { requireAccount, takePassphrase, type Context } from "./context.ts";
import { signInWithEmail, type EmailInvitation } from "./sign-in/email-sign-in.ts";
import type { SignedIn, SignInStart } from "./sign-in/sign-in.ts";
import { signInWithWallet } from "./sign-in/wallet-sign-in.ts";
import { signerOf } from "./sign-in/wallet-signer.ts";
import { formatJson } from "./table.ts";
import { unlockWallet } from "./wallet/keystore.ts";
import { readWallet } from "./wallet/wallet-store.ts";

/** Refusals that a new sign-in cures. */
const curedBySignIn: readonly ErrorCode[] = ["ERR_SESSION_NOT_FRESH", "ERR_SESSION_TOKEN", "ERR_SESSION_GRANT"];

/**
 * Does `work` as the person. Where the broker wants a more recent sign-in, or the session has ended, signs in again (asking the
 * passphrase) and does it once more.
 */
export async function asPerson<Result>(
  context: Context,
  work: (connection: BrokerConnection, file: AccountFile) => Promise<Result>,
): Promise<Result> {
  const file = await requireSession(context);
  const attempt = async (as: AccountFile): Promise<Result> =>
    context.terminal.progress(
      `waiting for ${as.broker}`,
      openAccount(context.home.account, as).then(async (connection) => work(connection, as)),
    );
  try {
    return await attempt(file);
  } catch (error) {
    const isCured = curedBySignIn.some((code) => isAgentKeysError(error, code));
    const canAsk = context.terminal.isInteractive || context.passphraseFile !== undefined;
    if (!isCured || !(canAsk || file.signIn.method === "email")) throw error;
  }
  context.terminal.note("This needs a recent sign-in: signing in again.");
  return attempt(await signInAgain(context, file));
}

/** Signs in to the account of this home again, in another way where one is given, and stores the session. */
export async function signInAgain(
  context: Context,
  file: AccountFile,
  signIn: SignIn = file.signIn,
): Promise<AccountFile> {
  const connection = openConnection({ broker: file.broker, key: await importKey(file.key) });
  const { account, session } = await signInBy(context, { connection }, signIn);
  if (account !== file.account) {
    const reason = `that is another account (${account}) than the one of ${context.home.path}: use another --home for it`;
    throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
  }
  const renewed = { ...file, signIn, session };
  await writeAccount(context.home.account, renewed);
  if (file.session !== undefined) await endSession(connection, file.session.refreshToken);
  return renewed;
}

/** Signs in by wallet or by email, asking what it takes. */
export async function signInBy(context: Context, start: SignInStart, signIn: SignIn): Promise<SignedIn> {
  const { terminal } = context;
  if (signIn.method === "email") {
    return signInWithEmail(start, signIn.email, (invitation) => announce(context, invitation));
  }
  const signer = await signerOf(await openWallet(context, signIn.wallet), signIn.solana);
  return terminal.progress("signing in", signInWithWallet(start, signer));
}

/** Says what the person has to do with the mail that is on its way. */
export function announce({ terminal, isJson }: Context, { email, userCode, expiresAt }: EmailInvitation): void {
  if (isJson) terminal.print(formatJson({ event: "email_sent", email, user_code: userCode, expires_at: expiresAt }));
  terminal.note(`A link is on its way to ${email}. Open it and type this code there: ${userCode}`);
  terminal.note(`Waiting until ${expiresAt} …`);
}

/** The wallet of a name, its passphrase asked the first time. */
export async function openWallet(context: Context, name: string): Promise<HDNodeWallet> {
  const opened = context.unlocked.get(name);
  if (opened !== undefined) return opened;
  const { keystore, address } = await readWallet(context.home, name);
  const passphrase = await takePassphrase(context);
  const wallet = await context.terminal.progress("opening the wallet", unlockWallet(keystore, passphrase, address));
  context.unlocked.set(name, wallet);
  return wallet;
}

/**
 * Ends the session of this home at the broker, and forgets it here; with `isEverywhere` every session of the person. Answers false
 * where the broker could not be told: then the session ends by itself when it expires. A key of its own waits for the next sign-in.
 */
export async function signOut(context: Context, isEverywhere: boolean): Promise<boolean> {
  const file = await requireSession(context);
  const connection = await openAccount(context.home.account, file);
  const told: Promise<unknown> = isEverywhere
    ? connection.send({ method: "DELETE", path: "/v1/sessions" })
    : revoke(connection, (file.session as Session).refreshToken);
  const isTold = await context.terminal.progress(`waiting for ${file.broker}`, told).then(
    () => true,
    (error: unknown) => {
      // A session that is over already is what was wanted.
      if (isAgentKeysError(error, "ERR_SESSION_TOKEN") || isAgentKeysError(error, "ERR_SESSION_GRANT")) return true;
      if (isEverywhere) throw error;
      return false;
    },
  );
  const key = (await exportKey(await makeKey())) as Record<string, string>;
  await writeAccount(context.home.account, { ...file, key, session: undefined });
  return isTold;
}

async function requireSession(context: Context): Promise<AccountFile> {
  const file = await requireAccount(context);
  if (file.session !== undefined) return file;
  const reason = `signed out of ${file.broker}: run \`agentkeys login\``;
  throw new AgentKeysError("ERR_CONFIG_PROFILE", reason, { reason });
}

/** Ends the session that a newer one replaces. It would expire by itself, so a failure changes nothing. */
async function endSession(connection: BrokerConnection, refreshToken: string): Promise<void> {
  await revoke(connection, refreshToken).catch(() => undefined);
}

/** RFC 7009. */
async function revoke(connection: BrokerConnection, token: string): Promise<void> {
  await connection.send({ method: "POST", path: "/oauth/revoke", form: { token }, show: "key" });
}
