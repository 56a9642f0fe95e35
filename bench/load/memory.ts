// Memory over a long run: resident anonymous memory of `mettle load`, once a second, and its slope with an interval.
//
//   node bench/load/memory.ts [--minutes 10] [--rate 1000] [--warmup 60]          (npm run build first)
//
// The first seconds fill what is filled once (code, histograms, series of fixed length) and are left out. The interval is
// Newey–West's, as neighbouring readings are alike.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { linearTrend } from "@mettle/stats";
import { load, startPlainServer, total } from "./command.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "1000" },
    warmup: { type: "string", default: "60" },
  },
});
const MIB = 1024 * 1024;

function anonymousBytes(pid: number): number | undefined {
  try {
    const [, kib] = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    // It has ended.
    return undefined;
  }
}

const server = await startPlainServer();
const seconds: number[] = [];
const bytes: number[] = [];
let reading: NodeJS.Timeout | undefined;
try {
  const { run } = await load([server.url, "-r", values.rate, "-c", "50", "-d", `${values.minutes}m`], {
    onStart: (pid) => {
      const startedAt = performance.now();
      reading = setInterval(() => {
        const now = anonymousBytes(pid);
        if (now === undefined) return;
        seconds.push((performance.now() - startedAt) / 1000);
        bytes.push(now);
      }, 1000);
    },
  });
  const first = seconds.findIndex((second) => second >= Number(values.warmup));
  const hours = seconds.slice(first).map((second) => second / 3600);
  const { slope, low, high, count } = linearTrend(hours, bytes.slice(first), { neweyWestLags: "auto" });
  console.log(`${total(run, "http_reqs").summary.sum} requests in ${values.minutes} minutes, ${run.validity.state}`);
  console.log(
    `memory at ${values.warmup} s ${((bytes[first] ?? 0) / MIB).toFixed(1)} MiB, at the end ${((bytes.at(-1) ?? 0) / MIB).toFixed(1)} MiB`,
  );
  console.log(
    `slope over ${count} readings: ${(slope / MIB).toFixed(2)} MiB an hour (95 %: ${(low / MIB).toFixed(2)} to ${(high / MIB).toFixed(2)})`,
  );
  if (low > 0 && slope >= MIB) process.exitCode = 3;
} finally {
  clearInterval(reading);
  server.stop();
}
