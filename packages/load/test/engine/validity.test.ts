import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ThreadHealth } from "../../src/engine/thread-health.ts";
import { HealthRecord, judgeValidity, type ValidityEvidence } from "../../src/engine/validity.ts";

const second: ThreadHealth = {
  wallMs: 1000,
  runMs: 300,
  waitMs: 10,
  loopUtilization: 0.4,
  idleSpinMs: 0,
  loopDelayP99Ms: 1,
  loopDelayMaxMs: 3,
  gcMs: 5,
  gcLongestMs: 2,
};

function evidence(seconds: readonly Partial<ThreadHealth>[], rest: Partial<ValidityEvidence> = {}): ValidityEvidence {
  const worker = new HealthRecord();
  for (const each of seconds) worker.add({ ...second, ...each });
  return {
    workers: [worker],
    lost: [],
    scheduled: true,
    due: 1000,
    started: 1000,
    dropped: 0,
    unstarted: 0,
    dispatchP99Ms: 0.8,
    responseP99Ms: 20,
    ...rest,
  };
}

const ten = Array.from({ length: 10 }, () => ({}));

describe("validity", () => {
  test("a healthy generator is valid, with no reasons", () => {
    expect(judgeValidity(evidence(ten))).toEqual({ state: "valid", reasons: [] });
  });

  test("starved of its core: invalid, with the share it got", () => {
    const { state, reasons } = judgeValidity(evidence(ten.map(() => ({ runMs: 450, waitMs: 550 }))));
    expect(state).toBe("invalid");
    expect(reasons[0]).toBe(
      "generator-bound: a worker got 45 % of a core when it wanted one, and waited 55 % of the time",
    );
  });

  test("any share of a core of 70 % or less that it wanted more of is invalid", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 0.7, noNaN: true }),
        fc.double({ min: 0.2, max: 1, noNaN: true }),
        (granted, wanted) => {
          const runMs = 1000 * wanted * granted;
          const waitMs = 1000 * wanted * (1 - granted);
          if (waitMs <= 50) return;
          expect(judgeValidity(evidence(ten.map(() => ({ runMs, waitMs })))).state).toBe("invalid");
        },
      ),
    );
  });

  test("a little waiting is no starvation, however little was run", () => {
    expect(judgeValidity(evidence(ten.map(() => ({ runMs: 5, waitMs: 20 })))).state).toBe("valid");
  });

  test("starved for a third of the run is seen though the whole of it looks well", () => {
    const seconds = ten.map((_, i) => (i < 4 ? { runMs: 100, waitMs: 100 } : { runMs: 900, waitMs: 1 }));
    const { state, reasons } = judgeValidity(evidence(seconds));
    expect(state).toBe("invalid");
    expect(reasons[0]).toContain("40 % of the run's seconds");
  });

  test("busy all the time: invalid with a schedule, degraded without; watching the clock is not busy", () => {
    const busy = ten.map(() => ({ runMs: 990, waitMs: 5 }));
    expect(judgeValidity(evidence(busy)).state).toBe("invalid");
    expect(judgeValidity(evidence(busy, { scheduled: false })).state).toBe("degraded");
    expect(judgeValidity(evidence(ten.map(() => ({ runMs: 990, waitMs: 5, idleSpinMs: 700 })))).state).toBe("valid");
  });

  test("what it waited for a core counts as work it had: a load beyond its core is invalid though others share the core", () => {
    const { state, reasons } = judgeValidity(evidence(ten.map(() => ({ runMs: 860, waitMs: 130 }))));
    expect(state).toBe("invalid");
    expect(reasons[0]).toContain("had work to do 99 % of the time");
  });

  test("behind its schedule: invalid where the worker had no time left, the server's doing where it had", () => {
    const busy = ten.map(() => ({ runMs: 700, waitMs: 210 }));
    const { state, reasons } = judgeValidity(evidence(busy, { startDelayP99Ms: 900 }));
    expect(state).toBe("invalid");
    expect(reasons[0]).toContain("900 ms late (percentile 99) while a worker had work to do 91 % of the time");
    expect(judgeValidity(evidence(ten, { startDelayP99Ms: 900 })).state).toBe("valid");
    expect(
      judgeValidity(
        evidence(
          ten.map(() => ({ runMs: 850 })),
          { startDelayP99Ms: 20 },
        ),
      ).state,
    ).toBe("valid");
  });

  test("late by its own fault: by how much, unless it is lost in the response time", () => {
    expect(judgeValidity(evidence(ten, { dispatchP99Ms: 20 })).state).toBe("degraded");
    expect(judgeValidity(evidence(ten, { dispatchP99Ms: 80 })).state).toBe("invalid");
    expect(judgeValidity(evidence(ten, { dispatchP99Ms: 80, responseP99Ms: 2000 })).state).toBe("valid");
  });

  test("a schedule that was not kept, long pauses and a lost worker are said", () => {
    expect(judgeValidity(evidence(ten, { due: 1000, started: 900, dropped: 100 })).reasons[0]).toBe(
      "90 % of the schedule was sent (100 dropped): every user was busy; raise maxVUs, or the system cannot take this rate",
    );
    expect(judgeValidity(evidence(ten.map(() => ({ gcMs: 200 })))).reasons[0]).toContain("20 % of the time collecting");
    expect(judgeValidity(evidence(ten.map(() => ({ loopDelayP99Ms: 90 })))).state).toBe("degraded");
    expect(judgeValidity(evidence(ten, { lost: ["worker 2 was lost: it ended"] })).state).toBe("invalid");
  });

  test("without the scheduler's account nothing is said of cores, and nothing is made up", () => {
    const { runMs: _run, waitMs: _wait, ...untold } = second;
    const worker = new HealthRecord();
    worker.add(untold);
    expect(worker.granted).toBeUndefined();
    expect(worker.busy).toBeUndefined();
    expect(judgeValidity(evidence([], { workers: [worker] })).state).toBe("valid");
  });
});
