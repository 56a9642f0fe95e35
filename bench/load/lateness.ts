// How late requests leave by the generator's own doing (waiting for a free connection of a slow server is not in it):
// 5 000 a second, the thread that sends them on a core of its own, for each punctuality.
//
//   node bench/load/lateness.ts [--rate 5000] [--seconds 10]          (npm run build first)
import { parseArgs } from "node:util";
import { load, startPlainServer, total } from "./command.ts";

const { values } = parseArgs({
  options: { rate: { type: "string", default: "5000" }, seconds: { type: "string", default: "10" } },
});
const server = await startPlainServer();
const us = (ns: number | undefined): string => (ns === undefined ? "" : `${(ns / 1000).toFixed(0)} µs`);
try {
  console.log("| punctuality | sent | late p50 | p99 | p99.9 | max | of a core | validity |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
  for (const punctuality of ["timer", "end", "full"]) {
    const args = [server.url, "-r", values.rate, "-c", "50", "-d", `${values.seconds}s`, "--punctuality", punctuality];
    const { run, cpuSeconds } = await load(args, { workerAlone: true });
    const { p50, p99, p999, max, count } = total(run, "generator_dispatch_delay").summary;
    console.log(
      `| ${punctuality} | ${count} | ${us(p50)} | ${us(p99)} | ${us(p999)} | ${us(max)} | ` +
        `${(cpuSeconds / (run.durationMs / 1000)).toFixed(2)} | ${[run.validity.state, ...run.validity.reasons].join(": ")} |`,
    );
    if (punctuality !== "timer" && !((p99 ?? Number.NaN) <= 1e6)) process.exitCode = 3;
  }
} finally {
  server.stop();
}
