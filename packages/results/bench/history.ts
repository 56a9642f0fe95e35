/**
 * S1-001. Fills a history with runs and times what a user waits for.
 *
 * `node -C mettle-source packages/results/bench/history.ts [runs]` (100 000 when not said: about a minute)
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatQuantity, Random } from "@mettle/core";
import { captureEnvironment, type History, openHistory, type Run, runSchema } from "@mettle/results";

const RUNS = Number(process.argv[2] ?? 100_000);
const REPEATS = 11;
const random = new Random(1);
const environment = captureEnvironment({ noiseProbe: false });
const metrics = [
  "registry.lookup.time",
  "registry.match.time",
  "signal.dispatch.time",
  "agent.start.time",
  "heap.growth",
];

function exampleRun(index: number): Run {
  return {
    schema: runSchema,
    id: `run-${index}`,
    startedAt: new Date(1_700_000_000_000 + index * 60_000).toISOString(),
    durationMs: 10_000,
    name: "nightly",
    kind: "bench",
    revision: {
      commit: index.toString(16).padStart(40, "0"),
      branch: index % 10 === 0 ? "release" : "main",
      dirty: false,
    },
    environment,
    validity: { state: "valid", reasons: [] },
    measurements: metrics.map((metric) => {
      const mean = 100 * Math.exp(0.1 * random.normal());
      return {
        metric,
        unit: "ns",
        direction: "lower",
        tags: {},
        summary: { count: 1000, mean, min: mean * 0.9, p50: mean, p95: mean * 1.2, p99: mean * 1.4, max: mean * 2 },
        controlRatio: mean / 90,
      };
    }),
  };
}

const elapsedMs = (work: () => unknown): number => {
  const start = performance.now();
  work();
  return performance.now() - start;
};
const show = (label: string, milliseconds: number, more = ""): void =>
  console.log(`${label.padEnd(48)}${formatQuantity(milliseconds * 1e6, "ns").padStart(10)}  ${more}`);

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Wall time, and CPU time beside it: on a busy machine only the second is the query's own. */
function time(label: string, work: () => readonly unknown[]): void {
  let rows = 0;
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const before = process.cpuUsage();
    wall.push(elapsedMs(() => (rows = work().length)));
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1000);
  }
  show(label, middle(wall), `median of ${REPEATS}; CPU ${formatQuantity(middle(cpu) * 1e6, "ns")}; ${rows} rows`);
}

function measure(history: History): void {
  const filled = elapsedMs(() => {
    for (let index = 0; index < RUNS; index++) history.append(exampleRun(index));
  });
  show(`append (${RUNS} runs of ${metrics.length} metrics), each`, filled / RUNS);
  const metric = "signal.dispatch.time";
  time("series, all rows", () => history.series({ metric, statistic: "p95" }));
  time("series, all rows, one branch", () => history.series({ metric, statistic: "p95", branch: "release" }));
  time("series, newest 1000", () => history.series({ metric, statistic: "p95", limit: 1000 }));
  time("runs, newest 100", () => history.runs({ limit: 100 }));
  time("latest of a branch", () => [history.latest({ branch: "release" })]);
  show(
    "prune to the newest half",
    elapsedMs(() => history.prune({ keepPerName: RUNS >> 1 })),
  );
}

const folder = mkdtempSync(join(tmpdir(), "mettle-history-"));
try {
  const path = join(folder, "history.db");
  using history = openHistory(path);
  measure(history);
  console.log(`file ${formatQuantity(statSync(path).size, "bytes")}`);
} finally {
  rmSync(folder, { recursive: true });
}
