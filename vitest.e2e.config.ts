import { defineConfig } from "vitest/config";

// Slow checks: they start processes, some of them the built command. Run after `npm run build`.
export default defineConfig({
  ssr: { resolve: { conditions: ["mettle-source"], externalConditions: ["mettle-source"] } },
  resolve: { conditions: ["mettle-source"] },
  test: {
    include: ["packages/*/test/e2e/**/*.test.ts", "scripts/test/e2e/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One at a time: they measure.
    fileParallelism: false,
  },
});
