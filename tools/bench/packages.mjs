// Packages of the repository as the broker finds them, built.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The folder whose packages a broker's configuration finds. */
export const installation = join(root, "apps/broker/node_modules");

export const brokerProgram = join(root, "apps/broker/dist/bin.js");

const { resolve } = createRequire(brokerProgram);
const importOf = (/** @type {string} */ name) => import(pathToFileURL(resolve(name)).href);

/** @returns {Promise<typeof import("../../packages/log/src/index.ts")>} */
export const importLog = () => importOf("@agentkeys/log");

/** @returns {Promise<{ Wallet: { createRandom(): { address: string, signMessage(text: string): Promise<string> } } }>} */
export const importEthers = () => importOf("ethers");

/** @returns {Promise<typeof import("../../packages/core/src/index.ts")>} */
export const importCore = () => importOf("@agentkeys/core");

/**
 * The log as a broker makes it, which asks less of its host than a broker lends.
 *
 * @returns {Promise<{ create(config: { file: string }, host: object): Promise<import("../../packages/core/src/index.ts").AuditLog> }>}
 */
export const importSqliteLog = async () => (await importOf("@agentkeys/audit-sqlite")).default;
