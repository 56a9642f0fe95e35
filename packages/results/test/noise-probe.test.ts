import { ManualClock, type Nanoseconds, ns } from "@mettle/core";
import { expect, test } from "vitest";
import { probeNoise, summarizeProbe } from "../src/noise-probe.ts";

/** A clock whose reading moves on by a step at each look. */
class SteppingClock extends ManualClock {
  #readings = 0;
  readonly #stepNs: number;

  constructor(stepNs: number) {
    super();
    this.#stepNs = stepNs;
  }

  override now(): Nanoseconds {
    return ns(this.#stepNs * this.#readings++);
  }
}

test("median, spread and interruptions are of the samples", () => {
  const times = Float64Array.of(100, 102, 98, 100, 150, 300);
  const probe = summarizeProbe(times, 850, 85);
  expect(probe).toEqual({ samples: 6, medianNs: 101, spread: 2 / 101, interruptedShare: 1 / 6, cpuWaitShare: 0.1 });
});

test("waiting that the kernel does not tell is absent", () => {
  expect(summarizeProbe(Float64Array.of(1, 1), 2)).not.toHaveProperty("cpuWaitShare");
  expect(probeNoise({ samples: 3, read: () => undefined })).not.toHaveProperty("cpuWaitShare");
});

test("the share waited is of the time that the samples took", () => {
  let looks = 0;
  const read = (): string => `123 ${looks++ * 50_000} 7\n`;
  const probe = probeNoise({ samples: 10, clock: new SteppingClock(10_000), read });
  expect(probe).toMatchObject({ samples: 10, medianNs: 10_000, spread: 0, interruptedShare: 0, cpuWaitShare: 0.5 });
});

test("a slow machine takes fewer samples rather than more time, but at least one", () => {
  expect(probeNoise({ samples: 1000, budgetMs: 100, clock: new SteppingClock(10e6) })?.samples).toBe(9);
  expect(probeNoise({ samples: 1000, budgetMs: 100, clock: new SteppingClock(1e9) })?.samples).toBe(1);
});

test("the loop is timed: a real clock sees it take a microsecond at least", () => {
  expect(probeNoise({ samples: 5 })?.medianNs).toBeGreaterThan(1000);
});
