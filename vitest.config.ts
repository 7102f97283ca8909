import { defineConfig } from "vitest/config";

// Workspace packages are taken from their sources (condition "agentkeys-source"), so tests need no build.
export default defineConfig({
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "test/**/*.test.ts", "tools/**/*.test.{ts,mjs}"],
    // Tested where it is installed, outside of the workspace: tools/operator-smoke.test.mjs.
    exclude: ["test/third-party/**", "**/node_modules/**"],
    // Plug-ins are resolved by Node itself: from their sources too.
    execArgv: ["--conditions=agentkeys-source"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
  resolve: { conditions: ["agentkeys-source"] },
  ssr: { resolve: { conditions: ["agentkeys-source"], externalConditions: ["agentkeys-source"] } },
});
