import { describe, expect, test } from "vitest";
import { type Clock, type ManualClock, ms } from "@mettle/core";
import { checkRun } from "@mettle/results";
import { LoadControl } from "../../src/engine/load-control.ts";
import type { VirtualUser } from "../../src/engine/virtual-user.ts";
import type { HttpResponse } from "../../src/http/exchange.ts";
import { measured, noClient, runVirtually } from "./virtual-run.ts";

const takes = (milliseconds: number) => async (user: VirtualUser) => {
  await user.sleep(milliseconds);
};

describe("closed executors (S4-110)", () => {
  test("constant-vus: each user begins again when it ended, for the duration", async () => {
    const run = await runVirtually({ vus: 3, duration: "1s" }, takes(100));
    expect(measured(run, "iterations").summary.sum).toBe(30);
    expect(new Set(run.begun.map(({ user }) => user))).toEqual(new Set([1, 2, 3]));
    expect(Math.max(...run.begun.map(({ atMs }) => atMs))).toBeLessThan(1000);
    expect(measured(run, "iteration_duration").summary.max).toBeGreaterThanOrEqual(100e6);
    expect(run.run.validity).toEqual({ state: "valid", reasons: [] });
    expect(checkRun(run.run)).toEqual(run.run);
  });

  test("shared-iterations: exactly so many in all, whoever is free", async () => {
    const slowFirst = async (user: VirtualUser): Promise<void> => user.sleep(user.id === 1 ? 1000 : 10);
    const run = await runVirtually({ vus: 4, iterations: 100 }, slowFirst);
    expect(run.begun).toHaveLength(100);
    expect(run.begun.filter(({ user }) => user === 1)).toHaveLength(1);
    expect(new Set(run.begun.map(({ iteration }) => iteration.numberInScenario)).size).toBe(100);
  });

  test("per-vu-iterations: so many for each user, numbered from 0", async () => {
    const run = await runVirtually(
      { scenarios: { a: { executor: "per-vu-iterations", vus: 3, iterations: 5 } } },
      takes(7),
    );
    for (const user of [1, 2, 3]) {
      const own = run.begun.filter((each) => each.user === user);
      expect(own.map(({ iteration }) => iteration.number)).toEqual([0, 1, 2, 3, 4]);
    }
    expect(run.begun).toHaveLength(15);
  });

  test("maxDuration ends counted iterations; those in flight get the grace period and then are cut off and counted", async () => {
    const run = await runVirtually(
      {
        scenarios: {
          a: { executor: "shared-iterations", vus: 2, iterations: 1000, maxDuration: "1s", gracefulStop: "200ms" },
        },
      },
      takes(300),
    );
    // Begun at 0, 300, 600, 900; the last end at 1200, on the edge of the grace of 200 ms.
    expect(measured(run, "iterations").summary.sum).toBeGreaterThanOrEqual(6);
    const cut = await runVirtually(
      { scenarios: { a: { executor: "constant-vus", vus: 2, duration: "1s", gracefulStop: "100ms" } } },
      takes(800),
    );
    expect(measured(cut, "iterations").summary.sum).toBe(2);
    expect(measured(cut, "interrupted_iterations").summary.sum).toBe(2);
    expect(cut.errors).toEqual([]);
  });

  test("ramping-vus follows the line up and down, and lets users finish", async () => {
    const run = await runVirtually(
      {
        scenarios: {
          a: {
            executor: "ramping-vus",
            startVUs: 0,
            stages: [
              { duration: "2s", target: 4 },
              { duration: "2s", target: 0 },
            ],
          },
        },
      },
      takes(50),
    );
    const inFlightAt = (atMs: number): number =>
      run.begun.filter((each) => each.atMs <= atMs && each.atMs + 50 > atMs).length;
    expect([250, 750, 1250, 1750].map(inFlightAt)).toEqual([0, 1, 2, 3]);
    expect([2250, 2750, 3250, 3750].map(inFlightAt)).toEqual([4, 3, 2, 1]);
    const users = measured(run, "vus").summary;
    expect(users.max).toBeLessThanOrEqual(4);
    expect(run.run.durationMs).toBeLessThan(4300);
  });

  test("counted iterations for which maxDuration leaves no time are dropped, as in k6", async () => {
    const scenario = { vus: 2, iterations: 20, maxDuration: "1s", gracefulStop: "1s" } as const;
    const shared = await runVirtually({ scenarios: { a: { executor: "shared-iterations", ...scenario } } }, takes(300));
    // Each begins at 0, 300, 600 and 900.
    expect(measured(shared, "iterations").summary.sum).toBe(8);
    expect(measured(shared, "dropped_iterations").summary.sum).toBe(12);
    const perUser = await runVirtually(
      { scenarios: { a: { executor: "per-vu-iterations", ...scenario } } },
      takes(300),
    );
    expect(measured(perUser, "dropped_iterations").summary.sum).toBe(2 * 16);
    const done = await runVirtually(
      { scenarios: { a: { executor: "shared-iterations", ...scenario, iterations: 8 } } },
      takes(300),
    );
    expect(measured(done, "dropped_iterations").summary.sum).toBe(0);
  });

  test.each([
    ["closed", { executor: "constant-vus", vus: 2, duration: "1s" }],
    ["open", { executor: "constant-arrival-rate", rate: 2, duration: "1s", preAllocatedVUs: 2 }],
  ] as const)("users of %s executors are closed, those that were cut off too", async (_, scenario) => {
    const closed: number[] = [];
    await runVirtually({ scenarios: { a: { ...scenario, gracefulStop: 0 } } }, async () => {}, {
      test: {
        prepare: (user) => Promise.resolve({ run: () => user.sleep(10_000), close: () => void closed.push(user.id) }),
      },
    });
    expect(closed.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  test("a user who was cut off is not run again before another takes its place", async () => {
    let made = 0;
    const again = Promise.withResolvers<void>();
    const ran: number[] = [];
    const run = await runVirtually(
      {
        scenarios: {
          a: {
            executor: "ramping-vus",
            startVUs: 1,
            gracefulRampDown: 0,
            gracefulStop: 0,
            stages: [
              { duration: "1s", target: 1 },
              { duration: 0, target: 0 },
              { duration: "1s", target: 0 },
              { duration: 0, target: 1 },
              { duration: "1s", target: 1 },
            ],
          },
        },
      },
      async () => {},
      {
        test: {
          prepare: async (user) => {
            const number = made++;
            // The second is slow to make: its place is wanted again before it is there.
            if (number === 1) {
              void user.clock.sleep(ms(1500)).then(again.resolve);
              await again.promise;
            }
            return {
              run: async () => {
                ran.push(number);
                await user.sleep(10_000);
              },
            };
          },
        },
      },
    );
    expect(ran).toEqual([0, 1]);
    expect(made).toBe(2);
    // The one cut off by the ramp, and the one by the end.
    expect(measured(run, "interrupted_iterations").summary.sum).toBe(2);
  });

  test("gracefulRampDown: one who is too many may finish, up to a limit", async () => {
    const options = (gracefulRampDown: string) => ({
      scenarios: {
        a: {
          executor: "ramping-vus" as const,
          startVUs: 2,
          gracefulRampDown,
          stages: [
            { duration: "1s", target: 2 },
            { duration: 0, target: 1 },
            { duration: "3s", target: 1 },
          ],
        },
      },
    });
    const patient = await runVirtually(options("5s"), takes(1500));
    expect(measured(patient, "interrupted_iterations").summary.sum).toBe(0);
    const strict = await runVirtually(options("100ms"), takes(1500));
    expect(measured(strict, "interrupted_iterations").summary.sum).toBe(1);
  });

  test("externally-controlled runs until it is stopped", async () => {
    const stop = new AbortController();
    const run = await runVirtually(
      { scenarios: { a: { executor: "externally-controlled", vus: 2, maxVUs: 5 } } },
      async (user) => {
        if (user.clock.now() > 3e9) stop.abort();
        await user.sleep(100);
      },
      { stop: stop.signal },
    );
    expect(run.interrupted).toBe(true);
    expect(run.run.durationMs).toBeGreaterThan(2900);
    expect(run.run.durationMs).toBeLessThan(3300);
  });

  test("externally-controlled follows what it is told, up to maxVUs, and others do not", async () => {
    const stop = new AbortController();
    const control = new LoadControl();
    const seen: number[] = [];
    const run = await runVirtually(
      { scenarios: { a: { executor: "externally-controlled", vus: 1, maxVUs: 4 } } },
      (user) => user.sleep(50),
      {
        control,
        stop: stop.signal,
        onSnapshot: ({ users }) => {
          seen.push(users);
          control.scale("a", [3, 9, 0, 2][seen.length - 1] ?? 1);
          control.scale("another", 7);
          if (seen.length === 6) stop.abort();
          return "continue";
        },
      },
    );
    expect(seen).toEqual([1, 3, 4, 0, 2, 1]);
    expect(measured(run, "iterations").summary.sum).toBeGreaterThan(180);
    expect(() => {
      control.scale("a", 1.5);
    }).toThrow(RangeError);
  });

  test("iterations without any waiting leave the event loop its turns", async () => {
    const run = await runVirtually({ vus: 1, iterations: 500 }, () => Promise.resolve());
    expect(run.begun).toHaveLength(500);
  });

  test("iterations that compute and never wait leave the event loop a turn every ten milliseconds", async () => {
    let turn = 0;
    let counting = true;
    const count = (): void => {
      turn += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const begunIn: number[] = [];
    await runVirtually({ vus: 2, iterations: 500 }, ({ clock }) => {
      begunIn.push(turn);
      // A millisecond of work: time passes, and nothing is awaited.
      void (clock as ManualClock).advance(ms(1));
      return Promise.resolve();
    });
    counting = false;
    const perTurn = Map.groupBy(begunIn, (each) => each);
    expect(begunIn).toHaveLength(500);
    expect(Math.max(...[...perTurn.values()].map(({ length }) => length))).toBeLessThanOrEqual(20);
  });
});

describe("open executors", () => {
  test("constant-arrival-rate begins iterations at their moments", async () => {
    const run = await runVirtually({ rate: 20, duration: "2s", vus: 5 }, takes(10));
    expect(run.begun).toHaveLength(40);
    run.begun.forEach(({ iteration, atMs, dueMs }, k) => {
      expect(iteration.numberInScenario).toBe(k);
      expect(dueMs).toBeCloseTo(k * 50, 6);
      expect(atMs - k * 50).toBeGreaterThanOrEqual(-1e-9);
      expect(atMs - k * 50).toBeLessThan(6);
    });
    const delay = measured(run, "iteration_start_delay").summary;
    expect(delay.count).toBe(40);
    expect(delay.max).toBeLessThan(6e6);
  });

  test("who finds nobody free waits and keeps the scheduled moment: response time shows the wait, service time does not", async () => {
    // One user, 10/s, 300 ms each: arrival k waits k · 200 ms.
    const run = await runVirtually(
      {
        scenarios: {
          a: { executor: "constant-arrival-rate", rate: 10, duration: "1s", preAllocatedVUs: 1, maxVUs: 1 },
        },
      },
      takes(300),
    );
    expect(measured(run, "iterations").summary.sum).toBe(10);
    const service = measured(run, "iteration_duration").summary;
    const response = measured(run, "iteration_response_time").summary;
    expect(service.max! / 1e6).toBeLessThan(320);
    expect(response.max! / 1e6).toBeGreaterThan(300 + 9 * 200 - 1);
    expect(response.max! / 1e6).toBeLessThan(300 + 9 * 200 + 120);
    expect(measured(run, "iteration_start_delay").summary.max! / 1e6).toBeGreaterThan(9 * 200 - 1);
    expect(run.run.durationMs).toBeGreaterThan(2900);
  });

  test("overflow: drop counts as k6 does, and says that the schedule was not kept", async () => {
    const run = await runVirtually(
      {
        scenarios: {
          a: {
            executor: "constant-arrival-rate",
            rate: 10,
            duration: "1s",
            preAllocatedVUs: 1,
            maxVUs: 1,
            overflow: "drop",
          },
        },
      },
      takes(300),
    );
    const dropped = measured(run, "dropped_iterations").summary.sum!;
    const done = measured(run, "iterations").summary.sum!;
    expect(dropped + done).toBe(10);
    expect(done).toBe(4);
    expect(run.run.validity.state).toBe("degraded");
    expect(run.run.validity.reasons[0]).toContain("% of the schedule was sent");
  });

  test("what never began before the grace ran out is counted, as is what was cut off", async () => {
    const run = await runVirtually(
      {
        scenarios: {
          a: {
            executor: "constant-arrival-rate",
            rate: 10,
            duration: "1s",
            preAllocatedVUs: 1,
            maxVUs: 1,
            gracefulStop: "500ms",
          },
        },
      },
      takes(300),
    );
    const sum = (metric: string): number =>
      run.run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary.sum ??
      0;
    expect(sum("iterations") + sum("interrupted_iterations") + sum("unstarted_iterations")).toBe(10);
    expect(sum("unstarted_iterations")).toBeGreaterThan(0);
  });

  test("users are made as they are needed, up to maxVUs", async () => {
    const run = await runVirtually(
      {
        scenarios: {
          a: { executor: "constant-arrival-rate", rate: 10, duration: "2s", preAllocatedVUs: 1, maxVUs: 8 },
        },
      },
      takes(450),
    );
    expect(measured(run, "iterations").summary.sum).toBe(20);
    const users = new Set(run.begun.map(({ user }) => user)).size;
    expect(users).toBeGreaterThanOrEqual(5);
    expect(users).toBeLessThanOrEqual(8);
    expect(measured(run, "iteration_start_delay").summary.max! / 1e6).toBeLessThan(120);
  });

  test("a trace is replayed row by row", async () => {
    const times = [0, 10, 10, 400, 1200];
    const run = await runVirtually({ scenarios: { a: { executor: "trace", times, maxVUs: 50 } } }, takes(1));
    expect(run.begun.map(({ dueMs }) => dueMs)).toEqual(times);
    expect(run.begun.map(({ iteration }) => iteration.numberInScenario)).toEqual([0, 1, 2, 3, 4]);
  });

  test("scenarios start when their startTime says, with their own tags and environment", async () => {
    const seen = new Map<string, string>();
    const run = await runVirtually(
      {
        env: { WHERE: "all", ONLY: "run" },
        tags: { team: "one" },
        scenarios: {
          early: { executor: "constant-vus", vus: 1, duration: "1s" },
          late: {
            executor: "constant-vus",
            vus: 1,
            duration: "1s",
            startTime: "2s",
            env: { WHERE: "late" },
            tags: { phase: "two" },
          },
        },
      },
      async (user) => {
        seen.set(user.scenario, JSON.stringify([user.environment, user.tags]));
        await user.sleep(100);
      },
    );
    const late = run.begun.filter(({ scenario }) => scenario === "late");
    expect(late[0]!.atMs).toBeGreaterThanOrEqual(2000);
    expect(seen.get("early")).toBe('[{"WHERE":"all","ONLY":"run"},{"team":"one","scenario":"early"}]');
    expect(seen.get("late")).toBe('[{"WHERE":"late","ONLY":"run"},{"team":"one","phase":"two","scenario":"late"}]');
    expect(measured(run, "iterations", { scenario: "late" }).summary.sum).toBe(10);
  });
});

describe("the run around them", () => {
  test("setup's data reaches every user as a copy, and teardown", async () => {
    const given: unknown[] = [];
    const run = await runVirtually({ vus: 2, iterations: 2 }, takes(1), {
      test: {
        setup: () => Promise.resolve({ token: "t", when: new Date(0) }),
        prepare: (_user, data) => {
          given.push(data);
          return Promise.resolve({ run: () => Promise.resolve() });
        },
        teardown: (_user, data) => {
          given.push(data);
          return Promise.resolve();
        },
      },
    });
    const copy = { token: "t", when: "1970-01-01T00:00:00.000Z" };
    expect(given).toEqual([copy, copy, copy]);
    expect(run.setupData).toEqual(copy);
  });

  test("setup that fails, or returns what is no JSON, ends the run before it began", async () => {
    const withSetup = (setup: () => Promise<unknown>) => runVirtually({ iterations: 1 }, takes(1), { test: { setup } });
    await expect(withSetup(() => Promise.reject(new Error("no database")))).rejects.toMatchObject({
      code: "LOAD_SETUP_FAILED",
      message: expect.stringContaining("no database"),
    });
    await expect(withSetup(() => Promise.resolve(() => 1))).rejects.toMatchObject({ code: "LOAD_SETUP_FAILED" });
    await expect(
      runVirtually({ iterations: 1, setupTimeout: "2s" }, takes(1), { test: { setup: () => new Promise(() => {}) } }),
    ).rejects.toMatchObject({ message: expect.stringContaining("2000 ms") });
  });

  test("teardown that fails is a trouble beside complete measurements", async () => {
    const run = await runVirtually({ iterations: 3 }, takes(1), {
      test: { teardown: () => Promise.reject(new Error("gone")) },
    });
    expect(run.troubles.map(({ code }) => code)).toEqual(["LOAD_TEARDOWN_FAILED"]);
    expect(measured(run, "iterations").summary.sum).toBe(3);
  });

  test("what user code throws is counted by message; iterations go on", async () => {
    let n = 0;
    const run = await runVirtually({ iterations: 10 }, async (user) => {
      await user.sleep(1);
      n += 1;
      if (n % 2 === 0) throw new Error("even");
      // Not an error at all, as scripts do.
      // oxlint-disable-next-line typescript/only-throw-error
      if (n === 7) throw "seven";
    });
    expect(run.errors.map(({ message, count }) => [message, count])).toEqual([
      ["even", 5],
      ["seven", 1],
    ]);
    expect(measured(run, "iteration_failed").summary.rate).toBeCloseTo(0.6);
    expect(measured(run, "iterations").summary.sum).toBe(10);
  });

  test("a user that cannot be made ends the run with the reason", async () => {
    await expect(
      runVirtually({ iterations: 1 }, takes(1), { test: { prepare: () => Promise.reject(new Error("no such file")) } }),
    ).rejects.toThrow("no such file");
  });

  test("onSnapshot sees what was recorded each second, and may abort", async () => {
    const seen: number[] = [];
    const run = await runVirtually({ vus: 2, duration: "60s" }, takes(100), {
      onSnapshot: (snapshot) => {
        seen.push(snapshot.board.find("iterations")?.count ?? 0);
        return snapshot.elapsedMs >= 2900 ? "abort" : "continue";
      },
    });
    expect(run.aborted).toBe(true);
    // The iterations that end at the very moment of the look are in the next one.
    expect(seen.slice(0, 3)).toEqual([18, 38, 58]);
    expect(run.run.durationMs).toBeLessThan(3300);
  });

  test("stop gives what is in flight its grace; stopNow cuts it off", async () => {
    for (const [which, counted] of [
      ["stop", "iterations"],
      ["stopNow", "interrupted_iterations"],
    ] as const) {
      const controller = new AbortController();
      const run = await runVirtually(
        { vus: 1, duration: "60s" },
        async (user) => {
          queueMicrotask(() => {
            controller.abort();
          });
          await user.sleep(500);
        },
        { [which]: controller.signal },
      );
      expect(run.interrupted).toBe(true);
      expect(run.run.durationMs).toBeLessThan(700);
      expect(measured(run, counted).summary.sum).toBe(1);
    }
  });

  test("code that ignores its signal is left behind, counted, and named in no result twice", async () => {
    const controller = new AbortController();
    const run = await runVirtually(
      { vus: 1, duration: "60s" },
      () => {
        controller.abort();
        return new Promise(() => {});
      },
      { stopNow: controller.signal },
    );
    expect(measured(run, "interrupted_iterations").summary.sum).toBe(1);
    expect(run.run.durationMs).toBeLessThan(1500);
  });

  test("a limit on requests spaces them out over all users", async () => {
    const sentAt: number[] = [];
    let clock: Clock | undefined;
    const run = await runVirtually(
      { vus: 10, duration: "2s", rps: 10 },
      async (user) => {
        clock = user.clock;
        await user.http.send({ method: "GET", url: "http://x/" });
        await user.sleep(1);
      },
      {
        client: {
          ...noClient,
          send: () => {
            sentAt.push((clock?.now() ?? Number.NaN) / 1e6);
            return Promise.resolve({ status: 200 } as HttpResponse);
          },
        },
      },
    );
    expect(run.errors).toEqual([]);
    expect(sentAt.length).toBeGreaterThanOrEqual(20);
    // Those who had their turn in the grace period included: one every 100 ms, whoever it is.
    sentAt.slice(1).forEach((at, i) => expect(at - sentAt[i]!).toBeGreaterThan(94));
  });
});
