import fc from "fast-check";
import { expect, test } from "vitest";
import { ConcurrencyMeter, peakConcurrency, unionLength } from "../../src/agent/intervals.ts";

const intervals = fc.array(
  fc.tuple(fc.nat(30), fc.nat(10)).map(([start, length]) => ({ start, end: start + length })),
  { maxLength: 30 },
);

test("union and peak against counting every unit of time", () => {
  fc.assert(
    fc.property(intervals, (all) => {
      const running = Array.from(
        { length: 50 },
        (_, at) => all.filter(({ start, end }) => start <= at && at < end).length,
      );
      expect(unionLength(all)).toBe(running.filter((count) => count > 0).length);
      expect(peakConcurrency(all)).toBe(Math.max(0, ...running));
    }),
  );
});

test("the meter that sees events as they come finds the same peak, in any order within a moment", () => {
  fc.assert(
    fc.property(intervals, fc.boolean(), (all, startsFirst) => {
      const events = all
        .filter(({ start, end }) => end > start)
        .flatMap(({ start, end }) => [
          { at: start, step: 1 },
          { at: end, step: -1 },
        ])
        .sort((a, b) => a.at - b.at || (startsFirst ? b.step - a.step : a.step - b.step));
      const meter = new ConcurrencyMeter();
      for (const { at, step } of events)
        if (step > 0) meter.start(at);
        else meter.end(at);
      expect(meter.current).toBe(0);
      expect(meter.peak).toBe(peakConcurrency(all));
    }),
  );
});
