import { describeBroker, exportKey, openConnection, parseTrust, makeKey, type Trust } from "@agentkeys/client";
import { readAccount, writeAccount, type AccountFile, type SignIn } from "../account-file.ts";
import { assertSameBroker, brokerOf, type Context } from "../context.ts";
import { readSecretFile } from "../private-file.ts";
import type { SignedIn, SignInStart } from "../sign-in/sign-in.ts";

/** Options of the commands that may make the first account of a home. */
export interface EstablishOptions {
  readonly claimCode?: string;
  readonly claimCodeFile?: string;
  readonly witness?: readonly string[];
}

/** A broker that was asked what it is, and how to sign in to it. */
export interface Introduction {
  readonly start: SignInStart;
  readonly trust: Trust;
  readonly key: Readonly<Record<string, string>>;
}

/** Meets the broker for the first time: checks its name, pins its log's key, takes the claim code where it wants one. */
export async function introduce(context: Context, options: EstablishOptions): Promise<Introduction> {
  const broker = brokerOf(context);
  const key = await makeKey();
  const connection = openConnection({ broker, key });
  const description = await context.terminal.progress(`asking ${broker}`, describeBroker(connection));
  const trust = { log: description.log.vkey, witnesses: options.witness ?? [] };
  parseTrust(trust);
  const claimCode = await takeClaimCode(context, options, description.isClaimed);
  return { start: { connection, claimCode }, trust, key: (await exportKey(key)) as Record<string, string> };
}

/** Stores the first account of this home. */
export async function establish(
  context: Context,
  { start, trust, key }: Introduction,
  { account, session }: SignedIn,
  signIn: SignIn,
): Promise<AccountFile> {
  const file = { broker: start.connection.broker, account, signIn, key, trust, session };
  await writeAccount(context.home.account, file);
  return file;
}

/** The account of this home where there is one; throws ERR_CONFIG_PROFILE when it is of another broker than named. */
export async function findAccount(context: Context): Promise<AccountFile | undefined> {
  const file = await readAccount(context.home.account);
  if (file !== undefined) assertSameBroker(context, file.broker);
  return file;
}

async function takeClaimCode(
  context: Context,
  options: EstablishOptions,
  isClaimed: boolean,
): Promise<string | undefined> {
  if (options.claimCode !== undefined) return options.claimCode;
  if (options.claimCodeFile !== undefined) return readSecretFile(options.claimCodeFile);
  if (isClaimed) return undefined;
  context.terminal.note("Nobody has claimed this broker yet. It printed a claim code when it started.");
  return context.terminal.ask("Claim code:", "give --claim-code CODE or --claim-code-file FILE");
}
