import { defineConfig } from "vitest/config";
import { removeProtection } from "./tools/removals/remove-protection.mjs";

// Set by tools/check-removals.mjs alone: the protection that this run has to miss.
const removal = process.env["AGENTKEYS_REMOVAL"];

// Workspace packages are taken from their sources (condition "agentkeys-source"), so tests need no build.
export default defineConfig({
  plugins: removal === undefined ? [] : [removeProtection(removal)],
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "test/**/*.test.ts", "tools/**/*.test.{ts,mjs}"],
    exclude: ["**/node_modules/**"],
    // Plug-ins are resolved by Node itself: from their sources too. Each thread that reads TypeScript holds WebAssembly, and V8
    // crashes now and then ("jit_page.has_value()") when one thread ends while the code of another is being optimised.
    execArgv: ["--conditions=agentkeys-source", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // What was transformed is kept between runs by its text, and knows nothing of a removal.
    fsModuleCache: removal === undefined,
  },
  resolve: { conditions: ["agentkeys-source"] },
  ssr: { resolve: { conditions: ["agentkeys-source"], externalConditions: ["agentkeys-source"] } },
});
