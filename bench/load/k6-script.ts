// A k6 script (group, two checks, a counter of its own, a helper function) beside the same in our own API, a plain URL, and
// k6 itself where it is installed: requests per CPU second, in turns, and memory by number of users.
//
//   node bench/load/k6-script.ts [--seconds 10] [--rounds 3] [--users 50] [--crowd 2000]
//
// The generator has core 1, the server (nginx, else a plain Node server) core 0. CPU time is what the kernel charged the
// generator's process from its start to its end, so that reading and rewriting the script count against us too. Memory is
// the largest resident set of the whole process (VmHWM), Node itself included. Ours is the built package.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "@mettle/stats";
import { installed, startNginx, startNode } from "./servers.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    users: { type: "string", default: "50" },
    crowd: { type: "string", default: "2000" },
  },
});
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Counted {
  readonly requests: number;
  readonly peakMiB: number;
}

interface Generator {
  readonly name: string;
  run(url: string, users: string): Counted;
}

function command(name: string, ...args: readonly string[]): string {
  const run = spawnSync("taskset", ["-c", "1", name, ...args], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${run.status}: ${run.stderr}`);
  return run.stdout;
}

const ours = (kind: "script" | "scenario" | "url", name: string): Generator => ({
  name,
  run(url, users) {
    const text = command(process.execPath, here("k6-script/run-one.ts"), kind, url, users, values.seconds);
    const counted = JSON.parse(text) as Counted & { failed: number; checks?: number; counted?: number };
    if (counted.failed !== 0) throw new Error(`${name}: requests failed: ${text}`);
    if (kind !== "url" && (counted.checks !== 2 * counted.requests || counted.counted !== counted.requests)) {
      throw new Error(`${name}: figures do not agree: ${text}`);
    }
    return counted;
  },
});

const k6: Generator = {
  name: "k6",
  run(url, users) {
    const folder = mkdtempSync(join(tmpdir(), "mettle-k6-"));
    try {
      const summary = join(folder, "summary.json");
      const time = join(folder, "time");
      const load = ["--quiet", "--no-usage-report", "--vus", users, "--duration", `${values.seconds}s`];
      const given = ["--env", `TARGET=${url}`, "--summary-export", summary, here("k6-script/script.js")];
      command("/usr/bin/time", "-f", "%M", "-o", time, "k6", "run", ...load, ...given);
      const { metrics } = JSON.parse(readFileSync(summary, "utf8")) as { metrics: { http_reqs: { count: number } } };
      return { requests: metrics.http_reqs.count, peakMiB: Number(readFileSync(time, "utf8")) / 1024 };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** CPU seconds of ended children: fields 16 and 17 of proc(5), in ticks of 1/100 s. */
function childCpuSeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const generators = [
  ours("script", "k6 script on Mettle"),
  ours("scenario", "own scenario API"),
  ours("url", "mettle load URL"),
  ...(installed("k6") ? [k6] : []),
];
const server = installed("nginx") ? await startNginx() : await startNode();
try {
  const rates = new Map(generators.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    // Turns, each round begun by another, so that a slow minute of the machine hits all alike.
    for (let i = 0; i < generators.length; i++) {
      const generator = generators[(i + round) % generators.length]!;
      const before = childCpuSeconds();
      const { requests } = generator.run(server.url, values.users);
      rates.get(generator.name)?.push(requests / (childCpuSeconds() - before));
    }
  }
  const reference = rates.get(generators[0]!.name)!;
  console.log(`${values.users} users, ${values.rounds} rounds of ${values.seconds} s\n`);
  console.log("| generator | requests per CPU second | µs of CPU a request | the k6 script on Mettle against it |");
  console.log("| --- | ---: | ---: | ---: |");
  for (const [name, each] of rates) {
    const ratios = each.map((rate, round) => reference[round]! / rate);
    const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    const rate = median(each);
    console.log(
      `| ${name} | ${Math.round(rate)} | ${(1e6 / rate).toFixed(1)} | ${median(ratios).toFixed(2)} (${spread}) |`,
    );
  }
  if (!installed("k6")) console.log("| k6 | absent | absent | absent |");
  console.log(`\n| generator | peak memory of 1 user, MiB | of ${values.crowd} users | KiB a user |`);
  console.log("| --- | ---: | ---: | ---: |");
  for (const generator of generators) {
    const one = generator.run(server.url, "1").peakMiB;
    const crowd = generator.run(server.url, values.crowd).peakMiB;
    const each = ((crowd - one) * 1024) / Number(values.crowd);
    console.log(`| ${generator.name} | ${one.toFixed(0)} | ${crowd.toFixed(0)} | ${each.toFixed(1)} |`);
  }
} finally {
  server.stop();
}
