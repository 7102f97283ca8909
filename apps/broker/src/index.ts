export { readConfig } from "./boot/read-config.ts";
export type { BrokerConfig, SelectedPlugin } from "./boot/read-config.ts";
export { startBroker } from "./boot/serve.ts";
export type { RunningBroker } from "./boot/serve.ts";
export { createLogger } from "./ops/logger.ts";
export type { Logger } from "./ops/logger.ts";
export { openKeys } from "./keys/keys.ts";
export type { BrokerKeys, KeyPurpose } from "./keys/keys.ts";
