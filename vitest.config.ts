import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["mettle-source"], externalConditions: ["mettle-source"] } },
  resolve: { conditions: ["mettle-source"] },
  test: {
    include: ["packages/*/test/**/*.test.ts", "scripts/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/e2e/**"],
    setupFiles: ["scripts/test/seeded-properties.ts"],
    testTimeout: 20_000,
    pool: "threads",
    maxWorkers: 2,
  },
});
