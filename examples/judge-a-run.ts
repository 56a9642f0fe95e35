// Judges a run document by thresholds, without the command: in a test, a bot, a release script.
// Prints:
//   failed: 1 of 2 rules
//   http.duration p(99) < 250ms: 400 ms
//   exit code 3
import { formatQuantity } from "@mettle/core";
import { judge } from "@mettle/judge";
import { captureEnvironment, type Run, runSchema } from "@mettle/results";

const run: Run = {
  schema: runSchema,
  id: "019358b0-0000-7000-8000-000000000000",
  startedAt: "2026-11-21T08:00:00Z",
  durationMs: 60_000,
  name: "checkout",
  kind: "load",
  environment: captureEnvironment({ noiseProbe: false }),
  validity: { state: "valid", reasons: [] },
  measurements: [
    {
      metric: "http.duration",
      unit: "ns",
      direction: "lower",
      tags: {},
      summary: { count: 9000, mean: 95e6, p50: 80e6, p95: 180e6, p99: 400e6, max: 900e6 },
    },
  ],
};

const verdict = judge(run, {
  policy: { thresholds: { "http.duration": ["p(95) < 200ms", "p(99) < 250ms"] }, regressions: { required: false } },
});
const rules = verdict.findings.filter(({ kind }) => kind === "threshold");
const missed = rules.filter(({ state }) => state === "failed");
console.log(`${verdict.status}: ${missed.length} of ${rules.length} rules`);
for (const { metric, rule, actual = Number.NaN } of missed) {
  console.log(`${metric} ${rule}: ${formatQuantity(actual, "ns")}`);
}
console.log(`exit code ${verdict.exitCode}`);
