import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Measurement, type Run, readRun } from "@mettle/results";
import { afterEach, describe, expect, test } from "vitest";
import { hasNatsServer, NatsServer } from "./nats-server.ts";
import { type Outcome, outcomeOf, Project } from "./project.ts";

interface Worker {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** What it said so far, a document a line. */
  readonly events: { readonly kind: string; readonly code?: string; readonly run?: string }[];
  /** Resolves when it says something of this kind. */
  readonly said: (kind: string) => Promise<void>;
}

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

/** Starts a worker and waits until it waits for runs. */
async function startWorker(
  project: Project,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Worker> {
  const child = project.start(["worker", "--json", ...args], env);
  children.push(child);
  const events: Worker["events"] = [];
  const waiting = new Map<string, () => void>();
  let rest = "";
  child.stdout?.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = JSON.parse(line) as Worker["events"][number];
      events.push(event);
      waiting.get(event.kind)?.();
    }
  });
  const worker: Worker = {
    process: child,
    outcome: outcomeOf(child),
    events,
    said: async (kind) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (events.some((event) => event.kind === kind)) return;
      waiting.set(kind, resolve);
      await promise;
    },
  };
  const ended = worker.outcome.then(({ stderr, stdout }) => {
    throw new Error(`the worker ended: ${stdout}${stderr}`);
  });
  ended.catch(() => undefined);
  await Promise.race([worker.said("waiting"), ended]);
  return worker;
}

const startWorkers = (
  project: Project,
  server: NatsServer,
  count: number,
  args: readonly string[] = [],
): Promise<Worker[]> =>
  Promise.all(
    Array.from({ length: count }, (_, i) =>
      startWorker(project, ["--nats", server.address, "--name", `w${i + 1}`, ...args]),
    ),
  );

function measurement(run: Run, metric: string, tags: Record<string, string> = {}): Measurement {
  const found = run.measurements.find(
    (each) => each.metric === metric && JSON.stringify(each.tags) === JSON.stringify(tags),
  );
  if (!found) throw new Error(`${metric} was not measured`);
  return found;
}

/** Records what follows from the arrival's number alone; reads a file and imports another. */
const deterministic = {
  "load/main.load.ts": `
import { csvRows, defineLoad } from "@mettle/load";
import { priceOf } from "./lib/price.ts";
const rows = csvRows<{ name: string }>(new URL("../data/users.csv", import.meta.url));
export default defineLoad({
  setup: () => ({ factor: 2 }),
  scenarios: { steady: { executor: "constant-arrival-rate", rate: 200, duration: Number(process.env["SECONDS"] ?? 3) + "s", preAllocatedVUs: 30,
    run: (user) => {
      const k = user.iterationInScenario;
      user.trend("price").add(priceOf(k) * user.data.factor, { name: rows[k % rows.length].name });
      user.counter("sold").add(k % 5);
      user.rate("even").add(k % 2 === 0);
    } } },
  splitBy: { price: ["name"] },
});`,
  "load/lib/price.ts": "export const priceOf = (k: number): number => 1 + ((k * 7919) % 1000) ** 1.5;",
  "data/users.csv": "name\nann\nbob\ncarl\n",
};

const quietly: readonly string[] = ["--no-history", "--quiet"];

describe.runIf(hasNatsServer)("mettle load --nats", () => {
  test("three workers measure what one thread measures: every count, sum and bucket", async () => {
    using project = new Project(deterministic);
    using elsewhere = new Project();
    await using server = await NatsServer.start();
    const alone = await project.mettle(["load", "load/main.load.ts", "--out", "alone", ...quietly]);
    expect(alone.stderr).toBe("");
    const workers = await startWorkers(elsewhere, server, 3, ["--runs", "1"]);
    const { stderr } = await project.mettle([
      "load",
      "load/main.load.ts",
      "--nats",
      server.address,
      "-w",
      "3",
      "--out",
      "spread",
      ...quietly,
    ]);
    expect(stderr).toBe("");
    const [one, three] = [
      await readRun(project.path("alone/run.json")),
      await readRun(project.path("spread/run.json")),
    ];
    for (const tags of [{}, { name: "ann" }, { name: "bob" }, { name: "carl" }]) {
      const [a, b] = [measurement(one, "price", tags), measurement(three, "price", tags)];
      expect(b.histogram?.buckets).toBe(a.histogram?.buckets);
      const { mean, stddev, ...exact } = a.summary;
      expect(b.summary).toMatchObject(exact);
      expect(b.summary.mean).toBeCloseTo(mean ?? Number.NaN, 6);
      expect(b.summary.stddev).toBeCloseTo(stddev ?? Number.NaN, 6);
    }
    expect(measurement(three, "iterations").summary.sum).toBe(600);
    expect(measurement(three, "sold").summary.sum).toBe(measurement(one, "sold").summary.sum);
    expect(measurement(three, "even").summary).toEqual(measurement(one, "even").summary);
    const offsets = three.measurements.filter(({ metric }) => metric === "generator_clock_offset");
    expect(offsets.map(({ tags }) => tags["worker"])).toEqual(["1", "2", "3"]);
    // One machine: its clocks agree with themselves within what the round trips leave open.
    for (const { tags, summary } of offsets) {
      const uncertainty = measurement(three, "generator_clock_uncertainty", tags).summary.max ?? Number.NaN;
      expect(Math.abs(summary.last ?? Number.NaN)).toBeLessThanOrEqual(uncertainty + 2e6);
    }
    // None of the load test's files was there before.
    for (const { outcome, events } of workers) {
      expect((await outcome).exitCode).toBe(0);
      expect(events.map(({ kind }) => kind)).toEqual(["waiting", "joined", "ended"]);
    }
  });

  test("kill -9 of a worker: reported with what was lost, exit 5; the others go on", async () => {
    using project = new Project(deterministic);
    await using server = await NatsServer.start();
    const workers = await startWorkers(project, server, 3, ["--runs", "1"]);
    const child = project.start(["load", "load/main.load.ts", "--nats", server.address, "-w", "3", "--no-history"], {
      SECONDS: "8",
    });
    let killed: ChildProcess | undefined;
    const { exitCode, stdout } = await outcomeOf(child, (text) => {
      if (killed || !text.includes("it/s")) return;
      killed = workers[1]!.process;
      killed.kill("SIGKILL");
    });
    expect(exitCode).toBe(5);
    const run = await readRun(project.path("mettle-out/run.json"));
    const lost = run.validity.reasons.filter((reason) => reason.includes("was lost"));
    expect(lost).toHaveLength(1);
    expect(lost[0]).toMatch(
      new RegExp(
        `^worker \\d \\(w2, process ${killed?.pid}\\) was lost \\d+\\.\\d s after the start: its connection to the server is gone \\(killed, or cut off\\); missing is what it did after \\d+\\.\\d s: 33 % of the load from there on \\(about \\d+ arrivals\\)$`,
      ),
    );
    expect(stdout).toContain("was lost");
    const done = measurement(run, "iterations").summary.sum ?? 0;
    const arrivals = Number(/about (\d+) arrivals/.exec(lost[0] ?? "")?.[1]);
    // All of 1 600 but those: exactly so many are missing as were said to be, to the rounding of a moment.
    expect(Math.abs(done + arrivals - 1600)).toBeLessThanOrEqual(100);
    for (const index of [0, 2]) expect((await workers[index]!.outcome).exitCode).toBe(0);
  });

  test("the coordinator's death ends workers gracefully, and they serve the next run", async () => {
    using project = new Project(deterministic);
    await using server = await NatsServer.start();
    const workers = await startWorkers(project, server, 2);
    const child = project.start(["load", "load/main.load.ts", "--nats", server.address, "-w", "2", "--no-history"], {
      SECONDS: "60",
    });
    await outcomeOf(child, (text) => {
      if (text.includes("it/s")) child.kill("SIGKILL");
    });
    await Promise.all(workers.map(({ said }) => said("coordinator-lost")));
    const { exitCode } = await project.mettle(
      ["load", "load/main.load.ts", "--nats", server.address, "-w", "2", ...quietly],
      { SECONDS: "1" },
    );
    expect([0, 5]).toContain(exitCode);
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(measurement(run, "iterations").summary.sum).toBe(200);
    for (const { process, outcome, events, said } of workers) {
      await said("ended");
      process.kill("SIGTERM");
      expect((await outcome).exitCode).toBe(0);
      expect(events.map(({ kind }) => kind)).toEqual(["waiting", "joined", "coordinator-lost", "joined", "ended"]);
    }
  });

  test("scripts of k6, YAML scenarios and URLs are sent with what they read", async () => {
    using project = new Project({
      "k6.js": `
        import { Counter } from "k6/metrics"; import { step } from "./step.js";
        const data = JSON.parse(open("./data.json")); const seen = new Counter("seen");
        export const options = { scenarios: { a: { executor: "shared-iterations", vus: 3, iterations: 30 } } };
        export default function () { seen.add(step(data[0])); if (__ENV.GREETING !== "hi" || __ENV.SECRET) throw new Error("environment"); }`,
      "step.js": "export const step = (x) => x;",
      "data.json": "[7]",
      "shop.yaml":
        "data: { users: users.csv }\nscenarios: { a: { vus: 2, iterations: 10, steps: [{ think: 1ms }] } }\n",
      "users.csv": "name\nann\n",
    });
    using elsewhere = new Project();
    await using server = await NatsServer.start();
    await startWorkers(elsewhere, server, 2);
    const load = (target: string, ...args: string[]): Promise<Outcome> =>
      project.mettle(["load", target, "--nats", server.address, "-w", "2", "--out", "out", ...args, ...quietly], {
        SECRET: "x",
      });
    const k6 = await load("k6.js", "-e", "GREETING=hi");
    expect(k6.stderr).toBe("");
    const run = await readRun(project.path("out/run.json"));
    expect(measurement(run, "seen").summary.sum).toBe(210);
    expect(measurement(run, "iterations").summary.sum).toBe(30);
    expect((await load("shop.yaml")).stderr).toBe("");
    expect(measurement(await readRun(project.path("out/run.json")), "iterations").summary.sum).toBe(10);
    // Nobody listens there: every request fails, and is counted.
    await load("http://127.0.0.1:9/", "-i", "4", "-c", "2");
    expect(measurement(await readRun(project.path("out/run.json")), "http_req_failed").summary).toMatchObject({
      rate: 1,
      count: 4,
    });
  });

  test("a worker that allows only its own folder runs what lies there, and refuses the rest with a code", async () => {
    using project = new Project(deterministic);
    using other = new Project({ ...deterministic, "load/lib/price.ts": "export const priceOf = () => 0;" });
    await using server = await NatsServer.start();
    const worker = await startWorker(project, ["--nats", server.address, "--allow", "."]);
    const args = ["load", "load/main.load.ts", "--nats", server.address, ...quietly];
    const allowed = await project.mettle(args, { SECONDS: "1" });
    expect(allowed.stderr).toBe("");
    const { exitCode, stderr } = await other.mettle(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("LOAD_WORKER_REFUSED");
    expect(stderr).toContain("load/lib/price.ts is not the same on this worker");
    expect(worker.process.exitCode).toBeNull();
  });

  test("too few workers: said with those that came, exit 5; an interruption while waiting, exit 130", async () => {
    using project = new Project(deterministic);
    await using server = await NatsServer.start();
    await startWorkers(project, server, 1);
    const missing = await project.mettle([
      "load",
      "load/main.load.ts",
      "--nats",
      server.address,
      "-w",
      "2",
      "--wait",
      "1500ms",
      ...quietly,
    ]);
    expect(missing.exitCode).toBe(5);
    expect(missing.stderr).toContain("LOAD_WORKERS_MISSING 1 of 2 workers came within 1.5 s (w1)");
    const child = project.start(["load", "load/main.load.ts", "--nats", server.address, "-w", "5", "--no-history"]);
    let interrupted = false;
    const { exitCode, stderr } = await outcomeOf(child, (text) => {
      if (interrupted || !text.includes("Waiting for 5 workers")) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain("LOAD_GATHERING_INTERRUPTED");
  });

  test("two coordinators at once: each has its own workers and its own result", async () => {
    using project = new Project(deterministic);
    await using server = await NatsServer.start();
    await startWorkers(project, server, 4);
    const load = (out: string): Promise<Outcome> =>
      project.mettle(["load", "load/main.load.ts", "--nats", server.address, "-w", "2", "--out", out, ...quietly], {
        SECONDS: "2",
      });
    await Promise.all([load("a"), load("b")]);
    for (const out of ["a", "b"]) {
      const run = await readRun(project.path(`${out}/run.json`));
      expect(measurement(run, "iterations").summary.sum).toBe(400);
      expect(run.validity.reasons.filter((reason) => reason.includes("lost"))).toEqual([]);
    }
  });
});

describe.runIf(hasNatsServer)("a server that asks who is there", () => {
  const tls = (name: string): string =>
    fileURLToPath(new URL(`../../../load/test/fixtures/tls/${name}.pem`, import.meta.url));

  test("user and password, from the environment; a wrong one is refused with a code", async () => {
    using project = new Project(deterministic);
    await using server = await NatsServer.start(["--user", "lab", "--pass", "s3cret"]);
    const secret = { METTLE_NATS: server.address, METTLE_NATS_USER: "lab", METTLE_NATS_PASSWORD: "s3cret" };
    await startWorker(project, ["--runs", "1"], secret);
    const { stderr } = await project.mettle(["load", "load/main.load.ts", ...quietly], { ...secret, SECONDS: "1" });
    expect(stderr).toBe("");
    expect(measurement(await readRun(project.path("mettle-out/run.json")), "iterations").summary.sum).toBe(200);
    const wrong = await project.mettle(["worker", "--nats-password", "guess"], secret);
    expect(wrong.exitCode).toBe(5);
    expect(wrong.stderr).toContain("LOAD_NATS_UNREACHABLE");
    expect(wrong.stderr).toMatch(/authorization/i);
    expect(wrong.stderr).not.toContain("s3cret");
  });

  test("the permissions of deploy/load: a worker's password does not make a coordinator", async () => {
    using project = new Project(deterministic);
    // As a mounted ConfigMap has its files.
    symlinkSync("load/main.load.ts", project.path("linked.load.ts"));
    const config = fileURLToPath(new URL("../../../../deploy/load/nats.conf", import.meta.url));
    await using server = await NatsServer.start(["--config", config], "nats", {
      COORDINATOR_PASSWORD: "coordinates-1",
      WORKER_PASSWORD: "works-2",
    });
    const asWorker = { METTLE_NATS: server.address, METTLE_NATS_USER: "worker", METTLE_NATS_PASSWORD: "works-2" };
    const asCoordinator = { ...asWorker, METTLE_NATS_USER: "coordinator", METTLE_NATS_PASSWORD: "coordinates-1" };
    await startWorker(project, ["--tag", "region=eu"], asWorker);
    const stolen = await project.mettle(["load", "linked.load.ts", "--wait", "1500ms", ...quietly], asWorker);
    expect(stolen.exitCode).toBe(5);
    expect(stolen.stderr).toContain("LOAD_WORKERS_MISSING 0 of 1");
    const { stderr } = await project.mettle(
      ["load", "linked.load.ts", "--threshold=sold{region:eu}: count > 100", ...quietly],
      { ...asCoordinator, SECONDS: "1" },
    );
    expect(stderr).toBe("");
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(measurement(run, "sold", { region: "eu" }).summary.count).toBe(200);
  });

  test("a token, over TLS with its own authority; a server without TLS is not talked to", async () => {
    using project = new Project(deterministic);
    await using server = await NatsServer.start(
      ["--auth", "t0ken", "--tls", "--tlscert", tls("cert"), "--tlskey", tls("key")],
      "tls",
    );
    const address = server.address.replace("127.0.0.1", "localhost");
    const options = ["--nats", address, "--nats-token", "t0ken", "--nats-ca", tls("cert")];
    await startWorker(project, [...options, "--runs", "1"]);
    const { stderr } = await project.mettle(["load", "load/main.load.ts", ...options, ...quietly], { SECONDS: "1" });
    expect(stderr).toBe("");
    const untrusted = await project.mettle(["worker", "--nats", address, "--nats-token", "t0ken"]);
    expect(untrusted.stderr).toContain("LOAD_NATS_UNREACHABLE");
    await using plain = await NatsServer.start();
    const refused = await project.mettle(["worker", "--nats", plain.address.replace("nats:", "tls:")]);
    expect(refused.stderr).toContain("LOAD_NATS_UNREACHABLE");
  });

  test("what cannot be right is said before anything is tried", async () => {
    using project = new Project();
    for (const args of [
      ["--nats", "nats://host/path/x"],
      ["--nats-creds", "nowhere.creds"],
      ["--nats-cert", "cert.pem"],
      ["--subject", "all.>"],
    ]) {
      const { exitCode, stderr } = await project.mettle(["worker", ...args]);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining("LOAD_NATS_OPTIONS_INVALID")]);
    }
    const { exitCode, stderr } = await project.mettle(["worker", "--nats", "nats://127.0.0.1:1"]);
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining("LOAD_NATS_UNREACHABLE")]);
  });
});

test("the help of both commands names what the other needs", async () => {
  using project = new Project();
  const [worker, load] = await Promise.all([project.mettle(["worker", "--help"]), project.mettle(["load", "--help"])]);
  for (const { stdout } of [worker, load])
    for (const flag of ["--nats", "--nats-creds", "--subject"]) expect(stdout).toContain(flag);
  expect(worker.stdout).toContain("--allow");
});
