import { randomBytes } from "node:crypto";
import { newIdentifier } from "@agentkeys/core";
import { getAddress, verifyMessage } from "ethers";
import { isSolanaSignature } from "../../../packages/auth-walletsig/src/solana-signature.ts";
import {
  descriptionOf,
  problem,
  startTestBroker,
  tokens,
  type Received,
  type TestBroker,
} from "../../../packages/client/test/test-broker.ts";

/** The sign-in side of a broker: real messages, real checks of signatures. A test changes one thing of it. */
export interface AccountBroker extends TestBroker {
  readonly account: string;
  /** False until somebody signs in. */
  claimed: boolean;
  readonly claimCode: string;
  /** The sign-in message for an address; a hostile broker writes another. */
  signInMessage: (address: string) => string;
  bindingMessage: (address: string) => string;
  /** Addresses bound to the account. */
  readonly wallets: Set<string>;
}

/** An agent as a broker lists it. */
export const listedAgent = {
  id: "agt_7h3k9m2p5r8t1w4y6a0c3e5g7j",
  name: "report",
  client_id: "agentkeys",
  key_thumbprint: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
  created_at: "2026-01-01T00:00:00Z",
};

/** What the listed grant is about. */
export const listedScope = { actions: ["token"], resources: ["https://api.example.com"] };

/** A grant of that agent as a broker lists it. */
export const listedGrant = {
  id: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
  agent: listedAgent.id,
  issuer: "oidc",
  scope: listedScope,
  delivery: "release",
  constraints: { max_uses: 100, max_ttl: 600 },
  uses: 3,
  created_at: "2026-01-01T00:00:00Z",
};

/** A proposal of that agent as a broker lists it. */
export const listedProposal = {
  id: "prp_7h3k9m2p5r8t1w4y6a0c3e5g7j",
  status: "open",
  agent: listedAgent.id,
  issuer: "oidc",
  scope: listedScope,
  ttl: 600,
  units: 1,
  created_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-01-02T00:00:00Z",
};

/** The EIP-4361 text that a broker of this URL writes. */
export function siweMessage(url: string, address: string, change: Partial<Record<string, string>> = {}): string {
  return signInText(url, { ledger: "Ethereum", chain: "1", who: getAddress(address), ...change });
}

/** The Sign-In With Solana text that a broker of this URL writes. */
export function siwsMessage(url: string, address: string, change: Partial<Record<string, string>> = {}): string {
  return signInText(url, { ledger: "Solana", chain: "solana:mainnet", who: address, ...change });
}

function signInText(url: string, fields: Partial<Record<string, string>>): string {
  const { domain = new URL(url).host, uri = url, chain = "", who = "", ledger = "" } = fields;
  return [
    `${domain} wants you to sign in with your ${ledger} account:`,
    who,
    "",
    "Sign in to AgentKeys.",
    "",
    `URI: ${uri}`,
    "Version: 1",
    `Chain ID: ${chain}`,
    `Nonce: ${randomBytes(16).toString("hex")}`,
    "Issued At: 2026-01-01T00:00:00Z",
    "Expiration Time: 2026-01-01T00:10:00Z",
    "Resources:",
    `- ${url}/.well-known/agentkeys`,
  ].join("\n");
}

/** The text that wallet-keystore writes. */
export function bindingText(url: string, account: string, address: string): string {
  return [
    "Bind this wallet to your AgentKeys account.",
    "",
    `Broker: ${url}`,
    `Account: ${account}`,
    `Wallet: ${getAddress(address)}`,
    "Nonce: 0123456789abcdef0123456789abcdef",
    "Expiration Time: 2026-01-01T00:10:00.000Z",
    "",
    "The signature proves that you hold the key of this wallet. It moves no funds and lets nobody spend.",
  ].join("\n");
}

const isEthereum = (address: string): boolean => address.startsWith("0x");

export async function startAccountBroker(): Promise<AccountBroker> {
  const base = await startTestBroker();
  const challenges = new Map<string, { address: string; message: string }>();
  const broker: AccountBroker = Object.assign(base, {
    account: "ab".repeat(32),
    claimed: true,
    claimCode: "0123456789ABCDEFGHJKMNPQRS",
    signInMessage: (address: string) =>
      isEthereum(address) ? siweMessage(base.url, address) : siwsMessage(base.url, address),
    bindingMessage: (address: string) => bindingText(base.url, broker.account, address),
    wallets: new Set<string>(),
  });
  const bodyOf = ({ text }: Received) => JSON.parse(text) as Record<string, string>;
  const challenge = (address: string, message: string) => {
    const id = newIdentifier("chl", randomBytes(16));
    challenges.set(id, { address, message });
    return { status: 200, body: { challenge_id: id, expires_at: "2026-01-01T00:10:00Z", message } };
  };
  const isSigned = ({ challenge_id: id = "", signature = "" }: Record<string, string>) => {
    const made = challenges.get(id);
    challenges.delete(id);
    if (made === undefined) return undefined;
    const { address, message } = made;
    const isBy = isEthereum(address)
      ? verifyMessage(message, signature) === getAddress(address)
      : isSolanaSignature(address, message, signature);
    return isBy ? made : undefined;
  };
  broker.routes.set("GET /.well-known/agentkeys", () => ({
    status: 200,
    body: { ...descriptionOf(broker), claimed: broker.claimed },
  }));
  broker.routes.set("POST /v1/auth/walletsig/start", (received) => {
    const { address = "", claim_code: code } = bodyOf(received);
    if (!broker.claimed && code !== broker.claimCode) return problem(403, "ERR_AUTH_CLAIM_CODE");
    return challenge(address, broker.signInMessage(address));
  });
  broker.routes.set("POST /v1/auth/walletsig/finish", (received) => {
    if (isSigned(bodyOf(received)) === undefined) return problem(401, "ERR_AUTH_PROOF");
    broker.claimed = true;
    return tokens({ account: broker.account });
  });
  broker.routes.set("POST /v1/account/identities/walletsig/start", (received) => {
    const { address = "" } = bodyOf(received);
    return challenge(address, broker.signInMessage(address));
  });
  broker.routes.set("POST /v1/account/identities", (received) => {
    const made = isSigned(bodyOf(received));
    if (made === undefined) return problem(401, "ERR_AUTH_PROOF");
    const type = isEthereum(made.address) ? "evm" : "solana";
    return { status: 200, body: { type, value: made.address, linked_at: "2026-01-01T00:00:00Z" } };
  });
  broker.routes.set("POST /v1/wallets/start", (received) => {
    const { address = "" } = bodyOf(received);
    return challenge(address, broker.bindingMessage(address));
  });
  const handle = (address: string) => ({ address, family: "evm", custody: "person" });
  broker.routes.set("POST /v1/wallets/finish", (received) => {
    const made = isSigned(bodyOf(received));
    if (made === undefined) return problem(401, "ERR_WALLET_PROOF");
    broker.wallets.add(made.address.toLowerCase());
    return { status: 200, body: handle(made.address.toLowerCase()) };
  });
  broker.routes.set("GET /v1/wallets", () => ({ status: 200, body: { wallets: [...broker.wallets].map(handle) } }));
  broker.routes.set("GET /v1/account", () => ({
    status: 200,
    body: {
      account: broker.account,
      role: "operator",
      identities: [{ type: "email", value: "ada@example.com", linked_at: "2026-01-01T00:00:00Z" }],
      created_at: "2026-01-01T00:00:00Z",
    },
  }));
  broker.routes.set("POST /oauth/revoke", () => ({ status: 200, body: {} }));
  return broker;
}
