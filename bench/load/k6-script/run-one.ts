// One load of k6-script.ts in a process of its own: script (of k6), scenario (of ours) or url. Prints what it counted.
//   node bench/load/k6-script/run-one.ts script|scenario|url URL USERS SECONDS
import { readFileSync } from "node:fs";
import { importLoadTest, type LoadSource, loadSource, resolvePlan, runLoad } from "@mettle/load";

const [kind = "script", url = "", users = "50", seconds = "10"] = process.argv.slice(2);
const here = (file: string): URL => new URL(file, import.meta.url);
Object.assign(process.env, { TARGET: url, USERS: users, SECONDS: seconds });

function sourceOf(): LoadSource {
  const options = { vus: Number(users), duration: `${seconds}s` };
  switch (kind) {
    case "script":
      return loadSource("k6", { script: here("script.js").pathname, environment: { TARGET: url }, flags: options });
    case "scenario": {
      const own = { "@mettle/load": import.meta.resolve("@mettle/load") };
      return loadSource("script", { script: here("scenario.ts").href, env: {}, own });
    }
    default:
      return loadSource("url", { request: { method: "GET", url, timeoutMs: 60_000 }, options });
  }
}

const source = sourceOf();
const { options } = await importLoadTest(source);
const { run, errors } = await runLoad({ name: kind, plan: resolvePlan(options), from: { source }, noiseProbe: false });
const total = (metric: string) =>
  run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary;
if (errors.length > 0) throw new Error(errors[0]?.message);
const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
console.log(
  JSON.stringify({
    requests: total("http_reqs")?.sum,
    failed: total("http_req_failed")?.rate,
    checks: total("checks")?.count,
    counted: total("answered")?.sum,
    peakMiB: Number(peak) / 1024,
  }),
);
