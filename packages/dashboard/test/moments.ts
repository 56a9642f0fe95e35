import type { LoadOperation, LoadProgress } from "@mettle/report";
import type { LiveAbout, LiveMoment } from "../src/live/moment.ts";
import { slotOf } from "../src/live/moment.ts";

export const about: LiveAbout = {
  name: "shop",
  target: "shop.yaml",
  startedAt: "2026-11-21T08:07:00.000Z",
  phases: [
    { name: "ramp", fromMs: 0, toMs: 10_000 },
    { name: "steady", fromMs: 10_000, toMs: 60_000 },
  ],
};

export const operation = (name: string, more: Partial<LoadOperation> = {}): LoadOperation => ({
  name,
  perSecond: 20,
  failedShare: 0,
  p50: 17e6,
  p95: 41.234567e6,
  p99: 88e6,
  recent: [40e6, undefined, 41e6],
  ...more,
});

/** The load test as it stands at a second: 40 requests of 10 … 49 ms in it. */
export function moment(second: number, more: Partial<LoadProgress> = {}, rest: Partial<LiveMoment> = {}): LiveMoment {
  return {
    progress: {
      name: "shop",
      target: "shop.yaml",
      phase: second <= 10 ? "ramp" : "steady",
      elapsedMs: second * 1000,
      plannedMs: 60_000,
      perSecond: 40,
      duePerSecond: 40,
      inFlight: second % 5,
      waiting: 0,
      users: 10,
      cpuShare: 0.123456,
      lateP99Ns: 1.2e6,
      validity: { state: "valid", reasons: [] },
      thresholds: { missed: 0, held: 1 },
      operations: [operation("search"), operation("checkout")],
      errors: [],
      ...more,
    },
    second: {
      perSecond: 40,
      failedPerSecond: 0,
      p50: 29e6,
      p95: 47e6,
      p99: 49e6,
      slots: slotsOf(Array.from({ length: 40 }, (_, i) => (10 + i) * 1e6)),
    },
    rules: [
      {
        text: "http_req_duration: p(95) < 200ms",
        state: "held",
        actual: 47e6,
        limit: 200e6,
        unit: "ns",
        consumed: 0.235,
        isOfTimesShown: true,
      },
    ],
    ...rest,
  };
}

export function slotsOf(values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(slotOf(value), (counts.get(slotOf(value)) ?? 0) + 1);
  return [...counts].flat();
}
