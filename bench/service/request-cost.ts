/**
 * What a request costs in processor time of the service's process and of its PostgreSQL, by kind of request. Times that users
 * see say as much of the machine; these say what there is to save.
 *
 *   node -C mettle-source bench/service/request-cost.ts [--requests 3000] [--at-once 8] [--rounds 3] [--kind execution] [--command "node bin/mettle.js serve"]
 */
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemClock } from "@mettle/core";
import { quantile } from "@mettle/stats";
import { openSubject } from "../../packages/suites/src/service/validate/subject.ts";
import { lightTool, nthUser, simpleTask } from "../../packages/suites/src/service/surface.ts";

const cli = fileURLToPath(new URL("../../packages/cli/bin/mettle.js", import.meta.url));
const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "3000" },
    "at-once": { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
    kind: { type: "string", default: "status,search,light tool,execution" },
    command: { type: "string", default: `${process.execPath} ${cli} serve` },
  },
});
const [requests, atOnce, rounds] = [Number(values.requests), Number(values["at-once"]), Number(values.rounds)];
/** Of `/proc/PID/stat`: user and system time, in hundredths of a second. */
const ticksPerSecond = 100;

interface Kind {
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
}

const { agentType, ...task } = simpleTask;
const all: readonly Kind[] = [
  { name: "status", method: "GET", path: "/agents/status" },
  { name: "search", method: "POST", path: "/knowledge/search", body: { query: "contract renewal terms", limit: 10 } },
  {
    name: "light tool",
    method: "POST",
    path: "/tools/execute",
    body: { tool: lightTool.tool, arguments: lightTool.arguments },
  },
  { name: "execution", method: "POST", path: "/agents/execute", body: { agent_type: agentType, task } },
];

const kinds = all.filter(({ name }) => values.kind.split(",").includes(name));

/** Fields of `/proc/PID/stat` behind the name, which may hold spaces. */
const statOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");

function ticksOf(pid: number): number {
  const fields = statOf(pid);
  return Number(fields[11]) + Number(fields[12]);
}

/** The service, which is the one process that was started here, and everything below it. */
function processes(): { readonly service: number; readonly database: readonly number[] } {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statOf(Number(name))[1]));
    } catch {
      // it ended meanwhile
    }
  }
  const isBelow = (pid: number, above: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === above) return true;
    return false;
  };
  const service = [...parents].find(([, parent]) => parent === process.pid)?.[0];
  if (service === undefined) throw new Error("the service is not below this process");
  return { service, database: [...parents.keys()].filter((pid) => isBelow(pid, service)) };
}

/** Processor time so far, in microseconds. One that has ended in between takes its time with it. */
function cpuOf(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    try {
      return ticksOf(pid);
    } catch {
      return 0;
    }
  });
  return (1e6 / ticksPerSecond) * ticks.reduce((sum, each) => sum + each, 0);
}

/** @returns milliseconds until the answer was there */
function ask(baseUrl: string, agent: Agent, token: string, { method, path, body }: Kind): Promise<number> {
  const text = body && JSON.stringify(body);
  const from = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, baseUrl),
      {
        method,
        agent,
        headers: { authorization: `Bearer ${token}`, ...(text && { "content-type": "application/json" }) },
      },
      (response) => {
        response.resume();
        response.once("end", () => {
          if (response.statusCode === 200) resolve(performance.now() - from);
          else reject(new Error(`${method} ${path}: status ${response.statusCode}`));
        });
      },
    );
    sent.once("error", reject);
    sent.end(text);
  });
}

async function put(baseUrl: string, token: string, kind: Kind, count: number): Promise<Float64Array> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const times = new Float64Array(count);
  let next = 0;
  const user = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) times[i] = await ask(baseUrl, agent, token, kind);
  };
  await Promise.all(Array.from({ length: atOnce }, user));
  agent.destroy();
  return times;
}

await using subject = await openSubject(
  { kind: "start", command: values.command.split(" ") },
  { seedScale: 0.01, users: 1, clock: systemClock },
);
const { client, credentials, baseUrl } = subject;
const token = await client.logIn(nthUser(credentials.username, 1), nthUser(credentials.password, 1));
for (const kind of kinds) await put(baseUrl, token, kind, requests / 5); // compiled, and its caches filled
process.stdout.write(`${requests} requests of each kind, ${atOnce} at once; microseconds of processor time for each\n`);
for (let round = 1; round <= rounds; round++) {
  for (const kind of kinds) {
    const { service, database } = processes();
    const before = [cpuOf([service]), cpuOf(database)];
    const times = await put(baseUrl, token, kind, requests);
    const [own, theirs] = [cpuOf([service]) - (before[0] ?? 0), cpuOf(database) - (before[1] ?? 0)].map((spent) =>
      `${Math.round(spent / requests)} µs`.padStart(8),
    );
    process.stdout.write(
      `${kind.name.padEnd(12)} service ${own}   database ${theirs}   p50 ${quantile(times, 0.5).toFixed(2)} ms   p95 ${quantile(times, 0.95).toFixed(2)} ms\n`,
    );
  }
}
