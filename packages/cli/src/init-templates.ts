export const configTemplate = `import { defineConfig } from "mettle";

export default defineConfig({
  judge: {
    // Absolute promises: metric → what must hold. Without a unit times are in milliseconds.
    thresholds: {
      "sum.for-loop.time": "p50 < 1ms",
    },
    // Regressions are judged wherever there is something to compare with: another revision (mettle bench --against
    // main) or a saved baseline (--compare NAME). To demand one of them, add: regressions: {},
  },
});
`;

export const exampleTemplate = `import { bench, suite } from "mettle";

const numbers = Array.from({ length: 1000 }, (_, i) => i);

// The benchmarks of a suite are compared with its first. What they return is kept alive.
suite("sum", () => {
  bench("for loop", () => {
    let sum = 0;
    for (const number of numbers) sum += number;
    return sum;
  });

  bench("reduce", () => numbers.reduce((sum, number) => sum + number, 0));
});
`;

export const workflowTemplate = `name: mettle
on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

jobs:
  bench:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0 # the other revision is built from the history
      - uses: actions/setup-node@v4
        with:
          node-version: 24
      - run: npm ci
      - name: Measure
        env:
          BASE: \${{ github.base_ref }}
        # The gate decides, on what was measured; a failed benchmark (5) or file (2) fails here.
        run: |
          status=0
          npx mettle bench \${BASE:+--against "origin/$BASE"} || status=$?
          case "$status" in 3|4) ;; *) exit "$status" ;; esac
      - name: Judge
        run: npx mettle gate
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: mettle
          path: mettle-out
`;
