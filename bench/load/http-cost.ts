// Requests per second of CPU time of our HTTP client beside wrk and autocannon: a plain keep-alive GET over 50 connections,
// the generator on core 1, the server on core 0, all in one run, in turns.
//
//   node bench/load/http-cost.ts [--seconds 10] [--warmup 2] [--rounds 5] [--connections 50]
//
// CPU time is what the kernel charged the generator's process, from its start to its end (`/usr/bin/time`-like, by wait4),
// so that starting up and compiling count against us too. What a request costs once a generator is warm is told beside it:
// each runs twice in a round, for `--warmup` and for `--seconds`, and the difference of their CPU times is divided by that of
// their requests. On a crowded machine a run gets so little of its core that most of it is the start; the second figure is
// then the one that says something of a longer run. Ours is the built package: `npm run build` first. Servers: nginx where it is installed, and a plain Node server.
// wrk is installed through apt-get where that is allowed; whatever is missing is left out and said.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findMeasurements, type Run } from "@mettle/results";
import { median } from "@mettle/stats";
import { onCore } from "./on-core.ts";
import { installed, startNginx, startNode } from "./servers.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    warmup: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    connections: { type: "string", default: "50" },
  },
});
const seconds = Number(values.seconds);
const warmup = Number(values.warmup);
const rounds = Number(values.rounds);
const { connections } = values;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mettle-cost-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
const autocannon = fileURLToPath(import.meta.resolve("autocannon"));

interface Generator {
  readonly name: string;
  readonly command: (url: string, seconds: number) => readonly string[];
  /** Requests that were answered, from what it printed. */
  readonly requests: (output: string) => number;
}

const ours = (way: "dispatch" | "send"): Generator => ({
  name: `mettle (${way})`,
  command: (url, seconds) => [process.execPath, here("http-loop.ts"), url, connections, String(seconds), way],
  requests: (output) => {
    const { requests, failed } = JSON.parse(output) as { requests: number; failed: number };
    if (failed > 0) throw new Error(`${failed} of ${requests} requests failed`);
    return requests;
  },
});

/** The whole command, with everything that it records, and its start and end: some 0.6 CPU seconds beside the requests. */
const command: Generator = {
  name: "mettle load",
  command: (url, seconds) =>
    [process.execPath, here("../../packages/cli/bin/mettle.js"), "load", url, "-c", connections].concat([
      "-d",
      `${seconds}s`,
      "--json",
      "--no-history",
      "--out",
      folder,
    ]),
  requests: (output) => {
    const { run } = JSON.parse(output) as { run: Run };
    const [total] = findMeasurements(run, { metric: "http_reqs", tags: {} });
    return total?.summary.sum ?? 0;
  },
};

const peers: readonly Generator[] = [
  {
    name: "wrk",
    command: (url, seconds) => ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, url],
    requests: (output) => Number(/(\d+) requests in/.exec(output)?.[1]),
  },
  {
    name: "autocannon",
    command: (url, seconds) => [process.execPath, autocannon, "-j", "-c", connections, "-d", String(seconds), url],
    requests: (output) => (JSON.parse(output) as { "2xx": number })["2xx"],
  },
];

/** CPU seconds that the children of this process have been charged so far, once they have ended. */
function childCpuSeconds(): number {
  // Fields 16 and 17 of proc(5), after the name in parentheses: cutime and cstime in ticks of 1/100 s.
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

interface Cost {
  readonly requests: number;
  readonly cpuSeconds: number;
}

/** One run. */
function measure(generator: Generator, url: string, forSeconds: number): Cost {
  const before = childCpuSeconds();
  const options = { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const [program, ...args] = onCore(1, generator.command(url, forSeconds));
  const run = spawnSync(program, args, options);
  // 5: a generator that says of itself that it set the pace, as it should when it is measured.
  if (run.status !== 0 && run.status !== 5)
    throw new Error(`${generator.name} ended with ${run.status}: ${run.stderr}`);
  const requests = generator.requests(run.stdout);
  if (!(requests > 0)) throw new Error(`${generator.name} made no requests: ${run.stdout}`);
  return { requests, cpuSeconds: childCpuSeconds() - before };
}

/** Microseconds of CPU a request: of a whole run, and of each further request once it is warm. */
interface Round {
  readonly whole: number;
  readonly further: number;
}

function measureRound(generator: Generator, url: string): Round {
  const short = measure(generator, url, warmup);
  const long = measure(generator, url, seconds);
  return {
    whole: (1e6 * long.cpuSeconds) / long.requests,
    further: (1e6 * (long.cpuSeconds - short.cpuSeconds)) / (long.requests - short.requests),
  };
}

function compare(server: string, url: string, generators: readonly Generator[]): void {
  const results = new Map(generators.map(({ name }): [string, Round[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Turns, each round begun by another, so that a slow minute of the machine hits all alike.
    for (let i = 0; i < generators.length; i++) {
      const generator = generators[(i + round) % generators.length]!;
      results.get(generator.name)!.push(measureRound(generator, url));
    }
  }
  console.log(`\n${server}, ${connections} connections, ${rounds} rounds of ${warmup} and ${seconds} s\n`);
  const against = generators.filter(({ name }) => name === "wrk" || name === "autocannon").map(({ name }) => name);
  for (const [kind, title] of [
    ["whole", `a run of ${seconds} s, its start included`],
    ["further", "each further request, once warm"],
  ] as const) {
    // As requests per CPU second of this generator, as a share of that one's: above 1 is better.
    const ratios = (rates: readonly Round[], of: string): string => {
      const each = rates.map((rate, round) => results.get(of)![round]![kind] / rate[kind]);
      return `${median(each).toFixed(2)} (${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)})`;
    };
    console.log(`| ${[title, "requests per CPU second", "µs of CPU a request", ...against].join(" | ")} |`);
    console.log(`| --- |${" ---: |".repeat(2 + against.length)}`);
    for (const [name, rates] of results) {
      const cost = median(rates.map((rate) => rate[kind]));
      const figures = [String(Math.round(1e6 / cost)), cost.toFixed(1), ...against.map((of) => ratios(rates, of))];
      console.log(`| ${[name, ...figures].join(" | ")} |`);
    }
    console.log("");
  }
}

if (availableParallelism() < 2 || !installed("taskset")) {
  console.error("Two cores and taskset are needed: the generator and the server must not share one.");
  process.exit(5);
}
if (!installed("wrk") && process.getuid?.() === 0) spawnSync("apt-get", ["install", "-y", "-qq", "wrk"]);
const available = peers.filter(({ name }) => name !== "wrk" || installed("wrk"));
const generators = [ours("dispatch"), ours("send"), command, ...available];
for (const [name, start] of [
  ["nginx", startNginx],
  ["node", startNode],
] as const) {
  if (name === "nginx" && !installed("nginx")) {
    console.log("nginx is not installed: left out");
    continue;
  }
  const server = await start();
  try {
    compare(name, server.url, generators);
  } finally {
    server.stop();
  }
}
if (available.length < peers.length) console.log("\nwrk is not installed: left out");
