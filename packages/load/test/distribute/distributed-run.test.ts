import { ms } from "@mettle/core";
import { checkRun, type Measurement } from "@mettle/results";
import { describe, expect, test } from "vitest";
import { PROTOCOL, subjectsOf } from "../../src/distribute/messages.ts";
import { decodeMessage, encodeMessage } from "../../src/distribute/wire-codec.ts";
import type { LoadOptions } from "../../src/engine/load-options.ts";
import { type Body, measured, runVirtually } from "../engine/virtual-run.ts";
import { turn } from "./passing-time.ts";
import { VirtualFleet } from "./virtual-fleet.ts";

/** A time that depends on nothing but the iteration's number in its scenario. */
const timeOf = (number: number): number => 5 + ((number * 7919) % 1000) / 7;

/** Records what follows from the iteration's number alone, whoever runs it. */
const deterministic: Body = async (user, { numberInScenario }) => {
  const { recorder } = user;
  const tags = recorder.tagSet({ ...user.tags, kind: numberInScenario % 3 === 0 ? "third" : "other" });
  recorder.metric({ name: "service_time", kind: "trend", contains: "time" }).add(timeOf(numberInScenario), tags);
  recorder.metric({ name: "amount", kind: "trend", contains: "default" }).add(numberInScenario / 3, tags);
  recorder.metric({ name: "bought", kind: "counter", contains: "default" }).add(numberInScenario % 5, tags);
  recorder.metric({ name: "good", kind: "rate", contains: "default" }).add(numberInScenario % 4 ? 1 : 0, tags);
  await user.sleep(20);
};

const openLoad: LoadOptions = {
  scenarios: {
    steady: { executor: "constant-arrival-rate", rate: 100, duration: "10s", preAllocatedVUs: 30 },
    bursts: { executor: "poisson", rate: 50, duration: "8s", preAllocatedVUs: 30, startTime: "1s" },
  },
};

/** What must be the same however many machines recorded it: all that does not depend on when. */
function comparable({ metric, tags, summary, histogram }: Measurement): unknown {
  const { perSecond: _, stddev, mean, sum, ...rest } = summary;
  const near = (value: number | undefined): string | undefined => value?.toPrecision(12);
  return { metric, tags, rest, mean: near(mean), sum: near(sum), stddev: near(stddev), buckets: histogram?.buckets };
}
const ofInterest = new Set(["service_time", "amount", "bought", "good", "iterations"]);
const comparables = (measurements: readonly Measurement[]): unknown[] =>
  measurements
    .filter(({ metric }) => ofInterest.has(metric))
    .map(comparable)
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

describe("a load test on several machines", () => {
  test("the merged result of three workers is that of one: counts, sums, every bucket (S4-117)", async () => {
    const submetrics = [{ metric: "service_time", tags: { kind: "third" } }];
    const alone = await runVirtually(openLoad, deterministic, { submetrics });
    const fleet = new VirtualFleet(openLoad, deterministic);
    for (const threads of [1, 2, 1]) fleet.addWorker({ threads });
    const spread = await fleet.passing(fleet.run(3, { submetrics }));
    expect(comparables(spread.run.measurements)).toEqual(comparables(alone.run.measurements));
    expect(measured(spread, "service_time", { kind: "third" }).summary.count).toBeGreaterThan(400);
    expect(spread.run.validity).toEqual({ state: "valid", reasons: [] });
    expect(checkRun(spread.run)).toEqual(spread.run);
    // Each arrival belongs to one machine; all take part.
    const numbers = fleet.begun
      .filter(({ scenario }) => scenario === "steady")
      .map((each) => each.iteration.numberInScenario);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, number) => number));
    expect(fleet.workers.map(({ begun }) => begun.length > 250)).toEqual([true, true, true]);
    expect(new Set(fleet.begun.map(({ user }) => user)).size).toBeGreaterThan(3);
    await fleet.end();
  });

  test("all start at the same moment although their clocks differ, and the offsets are reported", async () => {
    const fleet = new VirtualFleet({ rate: 100, duration: "2s" }, deterministic, {}, { delayMs: () => 4 });
    for (const skewMs of [0, 86_400_000, -5_000]) fleet.addWorker({ skewMs });
    const { run } = await fleet.passing(fleet.run(3));
    const firsts = fleet.workers.map(({ begun }) => Math.min(...begun.map(({ atMs }) => atMs)));
    // 10 ms apart by the schedule, within what a round trip of 16 ms leaves uncertain.
    expect(Math.max(...firsts) - Math.min(...firsts)).toBeLessThanOrEqual(20 + 16);
    const uncertainties = run.measurements.filter(({ metric }) => metric === "generator_clock_uncertainty");
    expect(uncertainties).toHaveLength(3);
    for (const { summary } of uncertainties) expect(summary.max).toBeLessThan(20e6);
    const drifts = run.measurements.filter(({ metric }) => metric === "generator_clock_drift");
    for (const { summary } of drifts) expect(Math.abs(summary.mean ?? Number.NaN)).toBeLessThan(20e6);
    expect(drifts.map(({ tags }) => tags["host"])).toEqual(["host-1", "host-2", "host-3"]);
    await fleet.end();
  });

  test("shared iterations are divided, and exactly so many run; users have numbers of their own", async () => {
    const fleet = new VirtualFleet({ vus: 7, iterations: 100 }, deterministic);
    for (let i = 0; i < 3; i++) fleet.addWorker();
    const result = await fleet.passing(fleet.run(3));
    expect(measured(result, "iterations").summary.sum).toBe(100);
    expect(new Set(fleet.begun.map(({ user }) => user)).size).toBe(7);
    await fleet.end();
  });

  test("setup runs once and reaches every machine, teardown once", async () => {
    const calls: string[] = [];
    const given: unknown[] = [];
    const fleet = new VirtualFleet({ vus: 6, iterations: 6 }, deterministic, {
      setup: () => {
        calls.push("setup");
        return Promise.resolve({ token: "abc" });
      },
      prepare: (_, data) => {
        given.push(data);
        return Promise.resolve({ run: () => Promise.resolve() });
      },
      teardown: (_, data) => {
        calls.push("teardown");
        given.push(data);
        return Promise.resolve();
      },
    });
    for (let i = 0; i < 3; i++) fleet.addWorker();
    const result = await fleet.passing(fleet.run(3));
    expect(calls).toEqual(["setup", "teardown"]);
    expect(
      given.filter((data) => (data as { token?: string } | undefined)?.token === "abc").length,
    ).toBeGreaterThanOrEqual(7);
    expect(result.setupData).toEqual({ token: "abc" });
    await fleet.end();
  });

  test("what user code throws is counted over all machines; an error that ends the run keeps its code", async () => {
    const failing: Body = async (user) => {
      await user.sleep(10);
      throw new Error("out of stock");
    };
    const fleet = new VirtualFleet({ vus: 3, iterations: 12 }, failing);
    for (let i = 0; i < 3; i++) fleet.addWorker();
    const { errors } = await fleet.passing(fleet.run(3));
    expect(errors).toMatchObject([{ message: "out of stock", count: 12 }]);
    await fleet.end();
    const unprepared = new VirtualFleet({ vus: 2, iterations: 2 }, failing, {
      setup: () => Promise.reject(new Error("no database")),
    });
    unprepared.addWorker();
    unprepared.addWorker();
    await expect(unprepared.passing(unprepared.run(2))).rejects.toMatchObject({ code: "LOAD_SETUP_FAILED" });
    await unprepared.end();
  });

  test("a threshold that aborts reaches all machines; Ctrl-C too", async () => {
    const endless: LoadOptions = { vus: 6, duration: "1h" };
    const fleet = new VirtualFleet(endless, deterministic);
    for (let i = 0; i < 3; i++) fleet.addWorker();
    const aborted = await fleet.passing(
      fleet.run(3, { onSnapshot: ({ elapsedMs }) => (elapsedMs >= 3000 ? "abort" : "continue") }),
    );
    expect(aborted.aborted).toBe(true);
    expect(aborted.run.durationMs).toBeLessThan(5000);
    const last = fleet.workers.map(({ begun }) => begun.at(-1)?.atMs ?? 0);
    expect(Math.max(...last) - Math.min(...last)).toBeLessThan(100);
    const stop = new AbortController();
    const stopped = await fleet.passing(
      fleet.run(3, {
        stop: stop.signal,
        onSnapshot: ({ elapsedMs }) => {
          if (elapsedMs >= 2000) stop.abort();
          return "continue";
        },
      }),
    );
    expect(stopped.interrupted).toBe(true);
    expect(stopped.run.validity.state).toBe("valid");
    await fleet.end();
  });

  test("S4-116: ten generators with 100 users each, tagged with their regions, share 1 000 rows of test data", async () => {
    const regions = ["eu", "us", "asia", "africa", "oceania"];
    const rows = new Set<number>();
    // A minute in place of half an hour: stages scale in time, never in rate (T-17).
    const options: LoadOptions = { vus: 1000, duration: "1m", splitBy: { iterations: ["region"] } };
    const fleet = new VirtualFleet(options, async (user, { numberInScenario }) => {
      rows.add(numberInScenario % 1000);
      await user.sleep(30_000);
    });
    for (let i = 0; i < 10; i++) fleet.addWorker({ tags: { region: regions[i % 5]! } });
    const submetrics = [{ metric: "iteration_duration", tags: { region: "eu" } }];
    const result = await fleet.passing(fleet.run(10, { submetrics }));
    expect(fleet.workers.map(({ begun }) => new Set(begun.map(({ user }) => user)).size)).toEqual(Array(10).fill(100));
    for (const region of regions) expect(measured(result, "iterations", { region }).summary.sum).toBe(400);
    expect(measured(result, "iteration_duration", { region: "eu" }).summary.count).toBe(400);
    expect(rows.size).toBe(1000);
    expect(result.run.validity.state).toBe("valid");
    await fleet.end();
  });

  test("samples one by one carry the coordinator's time", async () => {
    const at: number[] = [];
    const fleet = new VirtualFleet({ vus: 3, iterations: 30 }, deterministic);
    for (let i = 0; i < 3; i++) fleet.addWorker();
    await fleet.passing(
      fleet.run(3, {
        outputs: [{ samples: (_, batch) => void at.push(...batch.at), close: () => Promise.resolve() }],
      }),
    );
    expect(at.length).toBeGreaterThan(30 * 4);
    const now = fleet.clock.wallTime();
    expect(at.every((moment) => moment > now - 60_000 && moment <= now)).toBe(true);
    await fleet.end();
  });
});

describe("what may go wrong", () => {
  const long: LoadOptions = {
    scenarios: {
      open: { executor: "constant-arrival-rate", rate: 60, duration: "30s", preAllocatedVUs: 30 },
      closed: { executor: "constant-vus", vus: 9, duration: "20s" },
    },
  };

  test.each([
    ["killed", "its connection to the server is gone"],
    ["frozen", "nothing was heard of it for"],
  ] as const)("a worker that is %s is reported with what went with it, and the rest goes on", async (how, why) => {
    const fleet = new VirtualFleet(long, deterministic);
    for (let i = 0; i < 3; i++) fleet.addWorker();
    const victim = fleet.workers[1]!;
    const result = await fleet.passing(
      fleet.run(3, {
        onSnapshot: ({ elapsedMs }) => {
          if (elapsedMs >= 5000 && elapsedMs < 6000) {
            if (how === "killed") victim.connection.kill();
            else victim.connection.frozen = true;
          }
          return "continue";
        },
      }),
    );
    const { validity, durationMs } = result.run;
    expect(validity.state).toBe("invalid");
    const [reason = ""] = validity.reasons;
    expect(reason).toMatch(/^worker 2 \(host-2, process \d+\) was lost \d+\.\d s after the start: /);
    expect(reason).toContain(why);
    // A third of 60 a second over the 25 s that were left, and 3 of the 9 users.
    expect(reason).toMatch(
      /missing is what it did after 5\.\d s: 33 % of the load from there on \(about 500 arrivals, 3 of 9 users\)/,
    );
    expect(validity.reasons.filter((each) => each.includes("was lost"))).toHaveLength(1);
    expect(durationMs).toBeGreaterThan(29_000);
    const count = measured(result, "iterations", { scenario: "open" }).summary.sum ?? 0;
    expect(count).toBeGreaterThan(1290);
    expect(count).toBeLessThanOrEqual(1320);
    victim.connection.frozen = false;
    await fleet.end();
  });

  test("a worker that is stopped by its own people says goodbye", async () => {
    const fleet = new VirtualFleet(long, deterministic);
    for (let i = 0; i < 2; i++) fleet.addWorker();
    const result = await fleet.passing(
      fleet.run(2, {
        onSnapshot: ({ elapsedMs }) => {
          if (elapsedMs > 3000) fleet.workers[0]?.stop.abort();
          return "continue";
        },
      }),
    );
    expect(result.run.validity.reasons).toContainEqual(expect.stringContaining("it was stopped there"));
    await fleet.end();
  });

  test("the coordinator's death ends workers gracefully: iterations end, teardown runs, and they serve the next run", async () => {
    const torn: number[] = [];
    const finished: number[] = [];
    const fleet = new VirtualFleet(
      { scenarios: { a: { executor: "constant-vus", vus: 4, duration: "1h", gracefulStop: "10s" } } },
      async (user) => {
        await user.sleep(700);
        if (!user.signal.aborted) finished.push(user.id);
      },
      {
        setup: () => Promise.resolve("made"),
        teardown: () => {
          torn.push(fleet.clock.now() / 1e6);
          return Promise.resolve();
        },
      },
    );
    for (let i = 0; i < 2; i++) fleet.addWorker();
    const connection = fleet.bus.connect();
    let seen = 0;
    const run = fleet.run(2, {
      transport: connection,
      onSnapshot: () => {
        seen += 1;
        if (seen === 3) connection.kill();
        return "continue";
      },
    });
    // The coordinator of this test outlives its connection: its own end is not what is looked at.
    run.catch(() => undefined);
    const lost = async (): Promise<void> => {
      while (!fleet.workers.every(({ events }) => events.some(({ kind }) => kind === "coordinator-lost"))) await turn();
    };
    await fleet.passing(lost());
    const atLoss = finished.length;
    for (let i = 0; i < 3; i++) await fleet.clock.advance(ms(1000));
    expect(finished.length - atLoss).toBeGreaterThan(0);
    expect(finished.length - atLoss).toBeLessThanOrEqual(4);
    expect(torn).toHaveLength(1);
    await fleet.passing(run);
    const again = await fleet.passing(fleet.run(2, { onSnapshot: () => "abort" }));
    expect(again.aborted).toBe(true);
    await fleet.end();
  });

  test("two coordinators on one server do not mix, and one that came first gets workers first", async () => {
    const fleet = new VirtualFleet({ vus: 2, iterations: 20 }, deterministic);
    for (let i = 0; i < 3; i++) fleet.addWorker();
    const both = Promise.all([fleet.run(2, { name: "first" }), fleet.run(2, { name: "second" })]);
    const results = await fleet.passing(both);
    for (const result of results) {
      expect(measured(result, "iterations").summary.sum).toBe(20);
      expect(result.run.validity.state).toBe("valid");
    }
    await fleet.end();
  });

  test("another subject is another fleet", async () => {
    const fleet = new VirtualFleet({ vus: 1, iterations: 3 }, deterministic);
    fleet.addWorker({ subject: "team.b" });
    await expect(fleet.passing(fleet.run(1, { waitMs: 5000 }))).rejects.toMatchObject({ code: "LOAD_WORKERS_MISSING" });
    const result = await fleet.passing(fleet.run(1, { subject: "team.b" }));
    expect(measured(result, "iterations").summary.sum).toBe(3);
    await expect(fleet.run(1, { subject: "all.>" })).rejects.toMatchObject({ code: "LOAD_NATS_OPTIONS_INVALID" });
    await fleet.end();
  });

  test("another version is refused on both sides, with the versions", async () => {
    const fleet = new VirtualFleet({ vus: 1, iterations: 1 }, deterministic);
    const worker = fleet.addWorker({ version: "0.9.0" });
    await expect(fleet.passing(fleet.run(1, { waitMs: 3000 }))).rejects.toMatchObject({
      code: "LOAD_WORKERS_MISSING",
      message: expect.stringMatching(/0 of 1 workers came within 3 s\. Refused: host-1 has Mettle 0\.9\.0/) as string,
    });
    expect(worker.events).toContainEqual(expect.objectContaining({ kind: "refused", code: "LOAD_VERSION_MISMATCH" }));
    expect(fleet.events.filter(({ kind }) => kind === "refused")).toHaveLength(1);
    await fleet.end();
  });

  test("a worker that comes after the start waits for the next run", async () => {
    const fleet = new VirtualFleet({ vus: 2, iterations: 40 }, deterministic);
    fleet.addWorker();
    let join: Promise<unknown> = Promise.resolve();
    const first = await fleet.passing(
      fleet.run(1, {
        onSnapshot: () => "continue",
        onEvent: (event) => {
          fleet.events.push(event);
          if (event.kind !== "sending") return;
          // It heard an announcement that was under way when the last place was taken.
          const run = (fleet.events.find(({ kind }) => kind === "waiting") as { run: string }).run;
          const hello = {
            protocol: PROTOCOL,
            version: "1.0.0",
            instance: "late",
            name: "late",
            process: 1,
            threads: 1,
            node: "24",
            cpu: "x",
            cores: 1,
            tags: {},
          };
          join = fleet.bus.connect().request(subjectsOf("mettle.load").join(run), encodeMessage(hello), 1000);
        },
      }),
    );
    expect(first.run.validity.state).toBe("valid");
    const answer = (await join) as { data: Uint8Array };
    expect(decodeMessage(answer.data)).toMatchObject({ state: "refused", code: "LOAD_RUN_STARTED" });
    expect(fleet.events.some(({ kind }) => kind === "late")).toBe(true);
    fleet.addWorker();
    const second = await fleet.passing(fleet.run(2));
    expect(fleet.workers[1]?.begun.length).toBeGreaterThan(0);
    expect(measured(second, "iterations").summary.sum).toBe(40);
    await fleet.end();
  });

  test("strangers' greetings are refused, and take no place", async () => {
    const fleet = new VirtualFleet({ vus: 1, iterations: 1 }, deterministic);
    const stranger = fleet.bus.connect();
    const answers: unknown[] = [];
    const running = fleet.run(1, {
      waitMs: 10_000,
      onEvent: (event) => {
        if (event.kind !== "waiting") return;
        const subject = subjectsOf("mettle.load").join(event.run);
        for (const data of [
          new Uint8Array(0),
          encodeMessage(null),
          encodeMessage({ instance: "../x" }),
          encodeMessage({ instance: "a", protocol: PROTOCOL, version: "1.0.0", threads: 1e9 }),
        ]) {
          void stranger.request(subject, data, 1000).then((answer) => {
            if (answer.state === "answered") answers.push(decodeMessage(answer.data));
          });
        }
        fleet.addWorker({ runs: 1 });
      },
    });
    const result = await fleet.passing(running);
    expect(answers).toHaveLength(4);
    for (const answer of answers) expect(answer).toMatchObject({ state: "refused", code: "LOAD_MESSAGE_INVALID" });
    expect(result.run.validity.state).toBe("valid");
    expect(await fleet.workers[0]?.serving).toBe(1);
  });

  test("strangers' announcements do not disturb a worker", async () => {
    const fleet = new VirtualFleet({ vus: 1, iterations: 5 }, deterministic);
    const worker = fleet.addWorker();
    const { announce } = subjectsOf("mettle.load");
    const stranger = fleet.bus.connect();
    for (const data of [
      new Uint8Array([7]),
      encodeMessage(null),
      encodeMessage({ run: "x.>", name: "x" }),
      new Uint8Array(20_000),
    ]) {
      stranger.publish(announce, data);
    }
    // A run whose coordinator is not there.
    stranger.publish(announce, encodeMessage({ protocol: PROTOCOL, version: "1.0.0", run: "gone", name: "gone" }));
    const result = await fleet.passing(fleet.run(1));
    expect(measured(result, "iterations").summary.sum).toBe(5);
    expect(worker.events.filter(({ kind }) => kind === "refused")).toMatchObject([{ run: "gone" }]);
    await fleet.end();
  });

  test("a worker lost before the start fails the run, with its name", async () => {
    const fleet = new VirtualFleet({ vus: 2, iterations: 2 }, deterministic);
    for (let i = 0; i < 2; i++) fleet.addWorker();
    const running = fleet.run(2, {
      onEvent: ({ kind }) => {
        if (kind === "sending") fleet.workers[0]?.connection.kill();
      },
    });
    await expect(fleet.passing(running)).rejects.toMatchObject({
      code: "LOAD_WORKER_LOST",
      message: expect.stringContaining("host-") as string,
    });
    await fleet.end();
  });

  test("a worker that allows only its own files refuses a load test without any", async () => {
    const fleet = new VirtualFleet({ vus: 1, iterations: 1 }, deterministic);
    fleet.addWorker({ allow: import.meta.dirname });
    await expect(fleet.passing(fleet.run(1))).rejects.toMatchObject({ code: "LOAD_WORKER_REFUSED" });
    await fleet.end();
  });

  test("waiting for workers can be interrupted", async () => {
    const fleet = new VirtualFleet({ vus: 1, iterations: 1 }, deterministic);
    const stop = new AbortController();
    const running = fleet.run(1, {
      stop: stop.signal,
      onEvent: () => {
        stop.abort();
      },
    });
    await expect(fleet.passing(running)).rejects.toMatchObject({ code: "LOAD_GATHERING_INTERRUPTED", exitCode: 130 });
  });
});
