import { defineConfig } from "vitest/config";

// Workspace packages are taken from their sources (condition "agentkeys-source"), so tests need no build.
export default defineConfig({
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "test/**/*.test.ts", "tools/**/*.test.{ts,mjs}"],
    exclude: ["**/node_modules/**"],
    // Plug-ins are resolved by Node itself: from their sources too. Each thread that reads TypeScript holds WebAssembly, and V8
    // crashes now and then ("jit_page.has_value()") when one thread ends while the code of another is being optimised.
    execArgv: ["--conditions=agentkeys-source", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
  resolve: { conditions: ["agentkeys-source"] },
  ssr: { resolve: { conditions: ["agentkeys-source"], externalConditions: ["agentkeys-source"] } },
});
