export { createPlugin } from "./create-plugin.ts";
export type { NewPlugin } from "./create-plugin.ts";
export { findNameFault, findScopeFault, kinds } from "./naming.ts";
export type { Kind } from "./naming.ts";
