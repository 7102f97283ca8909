// Checked by `typecheck` and never run: each line marked must not compile.
import {
  AgentKeysError,
  definePlugin,
  isAgentKeysError,
  type AuditAnchor,
  type AuditLog,
  type CredentialIssuer,
  type Lifecycle,
  type Plugin,
  type StandardSchemaV1,
  type UserAuthMethod,
  type WalletProvisioner,
} from "../src/index.ts";

declare const config: StandardSchemaV1<unknown, { readonly url: string }>;
declare const lifecycle: Lifecycle;
declare const auth: UserAuthMethod;
declare const wallet: WalletProvisioner;
declare const log: AuditLog;
declare const anchor: AuditAnchor;
declare const issuer: CredentialIssuer;

const base = { name: "x", apiVersion: 1, config } as const;

export const complete: readonly Plugin[] = [
  definePlugin({ ...base, kind: "auth", capabilities: ["in_band"], identityTypes: ["x"], create: async () => auth }),
  definePlugin({ ...base, kind: "wallet", capabilities: ["sign"], create: async () => wallet }),
  definePlugin({ ...base, kind: "audit", capabilities: ["log"], create: async () => log }),
  definePlugin({ ...base, kind: "audit", capabilities: ["anchor"], create: async () => anchor }),
  definePlugin({ ...base, kind: "issuer", capabilities: ["local"], create: async () => issuer }),
];

export const kept: Plugin<"audit", { readonly url: string }, AuditLog> = definePlugin({
  ...base,
  kind: "audit",
  capabilities: ["log"],
  create: async ({ url }) => (url === "" ? log : log),
});

declare const authWithoutFinish: Omit<UserAuthMethod, "finish">;
declare const walletWithoutProvision: Omit<WalletProvisioner, "provision">;
declare const logWithoutAppend: Omit<AuditLog, "append">;
declare const anchorWithoutPublish: Omit<AuditAnchor, "publish">;
declare const issuerWithoutScope: Omit<CredentialIssuer, "parseScope">;
declare const issuerWithoutClose: Omit<CredentialIssuer, "close">;

export const broken: readonly unknown[] = [
  // @ts-expect-error an auth method without finish
  definePlugin({ ...base, kind: "auth", capabilities: [], identityTypes: [], create: async () => authWithoutFinish }),
  // @ts-expect-error a wallet without provision
  definePlugin({ ...base, kind: "wallet", capabilities: [], create: async () => walletWithoutProvision }),
  // @ts-expect-error a log without append
  definePlugin({ ...base, kind: "audit", capabilities: ["log"], create: async () => logWithoutAppend }),
  // @ts-expect-error an anchor without publish
  definePlugin({ ...base, kind: "audit", capabilities: ["anchor"], create: async () => anchorWithoutPublish }),
  // @ts-expect-error an issuer without parseScope
  definePlugin({ ...base, kind: "issuer", capabilities: [], create: async () => issuerWithoutScope }),
  // @ts-expect-error an issuer without close
  definePlugin({ ...base, kind: "issuer", capabilities: [], create: async () => issuerWithoutClose }),
  // @ts-expect-error only a lifecycle
  definePlugin({ ...base, kind: "issuer", capabilities: [], create: async () => lifecycle }),
  // @ts-expect-error a wallet is not an issuer
  definePlugin({ ...base, kind: "issuer", capabilities: [], create: async () => wallet }),
  // @ts-expect-error an auth method that does not say which identities it proves
  definePlugin({ ...base, kind: "auth", capabilities: ["in_band"], create: async () => auth }),
  // @ts-expect-error a capability of another kind
  definePlugin({ ...base, kind: "auth", capabilities: ["log"], identityTypes: [], create: async () => auth }),
  // @ts-expect-error an unknown kind
  definePlugin({ ...base, kind: "queue", capabilities: [], create: async () => auth }),
  // @ts-expect-error an error's facts are those of its code
  new AgentKeysError("ERR_WALLET_BOUND", "x", { wallet: "0x" }),
  // @ts-expect-error an error that carries nothing takes nothing
  new AgentKeysError("ERR_AUTH_CHALLENGE", "x", { reason: "x" }),
  // @ts-expect-error an unknown code
  new AgentKeysError("ERR_NO_SUCH_CODE", "x", {}),
];

const wallets = { ...base, kind: "wallet", capabilities: [] } as const;
const takesPort = (_section: { port: number }): Promise<WalletProvisioner> => Promise.resolve(wallet);
// @ts-expect-error create takes what the schema gives
export const mismatched: unknown = definePlugin({ ...wallets, create: takesPort });

/** The facts are typed by the code that was asked for. */
export function retryAfter(error: unknown): number | undefined {
  return isAgentKeysError(error, "ERR_REQUEST_RATE_LIMITED") ? error.facts.retryAfter : undefined;
}
