// Percentiles as recorded in histograms beside a full sort of every sample of the same run (`--out json=FILE`).
//
//   node bench/load/percentiles.ts [--seconds 10]          (npm run build first)
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { load, nearest, startPlainServer, total } from "./command.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "10" } } });
/** Half the width of a bucket at the histogram's 7 bits, with the resolution of a nanosecond. */
const BOUND = 1 / 256;
const metrics = ["http_req_duration", "http_req_response_time", "http_req_waiting", "iteration_duration"];
const quantiles = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
  ["p999", 0.999],
] as const;

interface Line {
  readonly type: string;
  readonly metric: string;
  readonly data: { readonly value: number };
}

const folder = mkdtempSync(join(tmpdir(), "mettle-percentiles-"));
const server = await startPlainServer();
try {
  const file = join(folder, "samples.json");
  const { run } = await load([
    server.url,
    "-r",
    "2000",
    "-c",
    "50",
    "-d",
    `${values.seconds}s`,
    "--out",
    `json=${file}`,
  ]);
  const samples = new Map(metrics.map((metric): [string, number[]] => [metric, []]));
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { type, metric, data } = JSON.parse(line) as Line;
    if (type === "Point") samples.get(metric)?.push(data.value * 1e6);
  }
  console.log("| metric | samples | greatest relative error over p50 … p99.9 | bound |");
  console.log("| --- | ---: | ---: | ---: |");
  for (const [metric, all] of samples) {
    const sorted = Float64Array.from(all).sort();
    const { summary } = total(run, metric);
    const errors = quantiles.flatMap(([name, q]) => {
      const recorded = summary[name];
      return recorded === undefined ? [] : [Math.abs(recorded / nearest(sorted, q) - 1)];
    });
    const greatest = Math.max(...errors);
    console.log(`| ${metric} | ${sorted.length} | ${(100 * greatest).toFixed(3)} % | ${(100 * BOUND).toFixed(3)} % |`);
    if (!(greatest <= BOUND * 1.01)) process.exitCode = 3;
  }
} finally {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
}
