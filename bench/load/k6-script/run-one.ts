// One load of k6-script.ts in a process of its own: script (of k6), scenario (of ours) or url. Prints what it counted.
//   node bench/load/k6-script/run-one.ts script|scenario|url URL USERS SECONDS
import { readFileSync } from "node:fs";
import { importLoadTest, type LoadSource, resolvePlan, runLoad } from "@mettle/load";

const [kind = "script", url = "", users = "50", seconds = "10"] = process.argv.slice(2);
const own = import.meta.resolve("@mettle/load");
const here = (file: string): URL => new URL(file, import.meta.url);
Object.assign(process.env, { TARGET: url, USERS: users, SECONDS: seconds });

function sourceOf(): LoadSource {
  switch (kind) {
    case "script":
      return {
        module: own,
        factory: "k6Load",
        parameters: {
          script: here("script.js").pathname,
          environment: { TARGET: url },
          flags: { vus: Number(users), duration: `${seconds}s` },
        },
      };
    case "scenario":
      return {
        module: own,
        factory: "scriptLoad",
        parameters: { script: here("scenario.ts").href, env: {}, own: { "@mettle/load": own } },
      };
    default:
      return {
        module: own,
        factory: "urlLoad",
        parameters: {
          request: { method: "GET", url, timeoutMs: 60_000 },
          options: { vus: Number(users), duration: `${seconds}s` },
        },
      };
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
