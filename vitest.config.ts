import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["mettle-source"], externalConditions: ["mettle-source"] } },
  resolve: { conditions: ["mettle-source"] },
  test: {
    include: ["packages/*/test/**/*.test.ts", "scripts/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/e2e/**"],
    setupFiles: ["scripts/test/seeded-properties.ts"],
    // What hangs is ended by it, and nothing else: however busy the machine is, what does not hang ends before.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "threads",
    maxWorkers: 2,
  },
});
