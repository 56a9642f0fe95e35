// The test of honesty: a server that answers in 1 ms stands still once, for 2 s, in a run of 10 s at 500 requests a second
// over 50 connections. What each generator says of response times, beside the server's own account of when it answered what
// was due when. wrk and autocannon have no schedule; what they say is shown as they say it.
//
//   node bench/load/stall.ts [--rounds 3]          (npm run build first)
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "@mettle/stats";
import { load, nearest, startStallingServer, total, urlOf } from "./command.ts";
import { onCore } from "./on-core.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const quantiles = [0.5, 0.9, 0.99, 1] as const;
type Told = readonly [p50: number, p90: number, p99: number, max: number];

/** Runs a generator against a server that stalls. @returns what it tells, and the truth; in ms */
async function against(generator: (url: string) => Promise<Told> | Told): Promise<{ told: Told; truth: Told }> {
  const server = startStallingServer({ STALL_AFTER: "4000", STALL: "2000", DELAY: "1" });
  const url = await urlOf(server);
  const told = await generator(`${url}/stalling`);
  let account = "";
  server.stdout!.on("data", (part: Buffer) => (account += part.toString()));
  server.kill("SIGTERM");
  await once(server.stdout!, "end");
  const { answeredAt } = JSON.parse(account) as { answeredAt: number[] };
  // The quickest answer took the millisecond that the server takes: that is when its request was due. The very first
  // request is no measure of it, as both sides are cold.
  const behind = Float64Array.from(answeredAt.slice(0, 5000), (at, k) => at - 2 * k);
  const origin = behind.reduce((least, each) => Math.min(least, each)) - 1;
  const waits = behind.map((at) => at - origin).sort();
  return { told, truth: quantiles.map((q) => nearest(waits, q)) as unknown as Told };
}

async function ours(url: string): Promise<Told> {
  const { run } = await load([url, "-r", "500", "-c", "50", "-d", "10s"]);
  const { p50, p90, p99, max } = total(run, "http_req_response_time").summary;
  return [p50, p90, p99, max].map((value) => (value ?? Number.NaN) / 1e6) as unknown as Told;
}

function output(command: readonly string[]): string {
  const [program, ...args] = onCore(1, command);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${stderr}`);
  return stdout;
}

function wrk(url: string): Told {
  const text = output(["wrk", "-t1", "-c50", "-d10s", "--latency", url]);
  const scale: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3 };
  const value = (pattern: RegExp): number => {
    const [, number, unit = ""] = pattern.exec(text) ?? [];
    return Number(number) * (scale[unit] ?? Number.NaN);
  };
  return [
    value(/50%\s+([\d.]+)(us|ms|s)/),
    value(/90%\s+([\d.]+)(us|ms|s)/),
    value(/99%\s+([\d.]+)(us|ms|s)/),
    value(/Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/),
  ];
}

function autocannon(url: string): Told {
  const program = fileURLToPath(import.meta.resolve("autocannon"));
  const text = output([process.execPath, program, "-j", "-c", "50", "-d", "10", "-R", "500", url]);
  const { latency } = JSON.parse(text) as { latency: Record<"p50" | "p90" | "p99" | "max", number> };
  return [latency.p50, latency.p90, latency.p99, latency.max];
}

const shown = (times: Told): string => times.map((time) => `${time.toFixed(time < 10 ? 2 : 0)} ms`).join(" | ");

console.log("| generator | p50 | p90 | p99 | max | greatest error of p90, p99, max |");
console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
const errors: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const { told, truth } = await against(ours);
  const error = Math.max(...[1, 2, 3].map((i) => Math.abs(told[i]! / truth[i]! - 1)));
  errors.push(error);
  console.log(`| the server's account | ${shown(truth)} | |`);
  console.log(`| mettle load -r 500 -c 50 | ${shown(told)} | ${(100 * error).toFixed(2)} % |`);
}
for (const [name, generator] of [
  ["wrk -c50", wrk],
  ["autocannon -c 50 -R 500", autocannon],
] as const) {
  console.log(`| ${name} | ${shown((await against(generator)).told)} | no schedule to compare |`);
}
console.log(
  `\nmettle, greatest error over ${errors.length} rounds: ${(100 * Math.max(...errors)).toFixed(2)} %, median ${(100 * median(errors)).toFixed(2)} %`,
);
if (Math.max(...errors) > 0.05) process.exitCode = 3;
