import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LiveModel } from "../../src/live/live-model.ts";
import { slotOf, slotQuantile, slotValue } from "../../src/live/moment.ts";
import { FrameWriter, type LiveFrame, MOST_OPERATIONS } from "../../src/live/wire.ts";
import { about, moment, operation, slotsOf } from "../moments.ts";

const over = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function framesOf(seconds: number, writer: FrameWriter = new FrameWriter()): LiveFrame[] {
  return Array.from({ length: seconds }, (_, i) => over(writer.frame(moment(i + 1))));
}

describe("what goes over the wire", () => {
  test("a page that hears every frame knows what was measured, to four digits", () => {
    const writer = new FrameWriter();
    const model = new LiveModel();
    model.start({ about, texts: [], ticks: [], recent: [] });
    for (const frame of framesOf(12, writer)) model.frame(frame);
    expect(model.atMs).toEqual(Array.from({ length: 12 }, (_, i) => (i + 1) * 1000));
    expect(model.column("p95")).toEqual(Array.from({ length: 12 }, () => 47e6));
    expect(model.column("inFlight")).toEqual(Array.from({ length: 12 }, (_, i) => (i + 1) % 5));
    expect(model.standing?.operations.map(([name, , , , p95]) => [model.text(name), p95])).toEqual([
      ["search", 41.23e6],
      ["checkout", 41.23e6],
    ]);
    expect(model.text(model.standing?.phase ?? -1)).toBe("steady");
    expect(model.gaps).toEqual([]);
  });

  test("texts are told once", () => {
    const [first, second, ...rest] = framesOf(11);
    expect(first?.texts?.map(([, text]) => text)).toContain("checkout");
    expect(second?.texts).toBeUndefined();
    // The eleventh second begins another phase.
    expect(rest.at(-1)?.texts?.map(([, text]) => text)).toEqual(["steady"]);
  });

  test("a stretch that was not heard is a gap: marked, and no line is drawn through it", () => {
    const model = new LiveModel();
    const frames = framesOf(20);
    model.start({ about, texts: [], ticks: [], recent: [] });
    for (const frame of frames.filter((_, i) => i < 5 || i >= 12)) model.frame(frame);
    expect(model.gaps).toEqual([{ fromMs: 5000, toMs: 12_000 }]);
    const between = model.atMs.findIndex((at) => at > 5000);
    expect(model.column("p95")[between]).toBeNull();
    expect(model.column("p95")[between + 1]).toBe(47e6);
  });

  test("what is told again after a reconnect changes nothing; what is still kept fills the gap", () => {
    const frames = framesOf(20);
    const model = new LiveModel();
    model.start({ about, texts: [], ticks: [], recent: [] });
    for (const frame of frames.slice(0, 5)) model.frame(frame);
    const texts = frames.flatMap((frame) => frame.texts ?? []);
    model.start({ about, texts, ticks: frames.slice(2, 18), recent: [] });
    for (const frame of frames.slice(16)) model.frame(frame);
    expect(model.gaps).toEqual([]);
    expect(model.atMs).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 1000));
  });

  test("who comes late knows that the beginning is missing", () => {
    const model = new LiveModel();
    model.start({ about, texts: [], ticks: framesOf(20).slice(10), recent: [] });
    expect(model.gaps).toEqual([{ fromMs: 0, toMs: 10_000 }]);
  });

  test("another run on the same port is not mixed with the one before", () => {
    const model = new LiveModel();
    model.start({ about, texts: [], ticks: framesOf(20), recent: [] });
    const later = { ...about, startedAt: "2026-11-21T09:00:00.000Z" };
    model.start({ about: later, texts: [], ticks: framesOf(1), recent: [] });
    expect(model.atMs).toEqual([1000]);
    expect(model.gaps).toEqual([]);
  });

  test("a page left open for a day forgets the oldest hours, not the latest", () => {
    const model = new LiveModel();
    model.start({ about, texts: [], ticks: [], recent: [] });
    const second = [1, 0, 1, 1, 1, 1, 1, 1, 0];
    for (let seq = 1; seq <= 86_400; seq++) model.tick({ seq, atMs: seq * 1000, second, slots: [] });
    expect(model.atMs.length).toBeLessThanOrEqual(8 * 3600);
    expect(model.lastMs).toBe(86_400_000);
    expect(model.column("p95").length).toBe(model.atMs.length);
  });

  test("at most 5 kB a second, however many operations, rules, errors and however long their names", () => {
    const random = new Random(3);
    const long = (i: number): string => `${i} ${"operation ".repeat(60)}`;
    const operations = Array.from({ length: 400 }, (_, i) =>
      operation(long(i), {
        p50: random.uniform() * 1e9,
        p95: random.uniform() * 1e10,
        p99: random.uniform() * 1e11,
        failedShare: random.uniform(),
      }),
    );
    const errors = Array.from({ length: 50 }, (_, i) => ({ message: long(i), count: i * 1000 }));
    const rules = Array.from({ length: 100 }, (_, i) => ({
      text: long(i),
      state: "held" as const,
      actual: random.uniform(),
      limit: 0.5,
      unit: "1" as const,
      consumed: random.uniform(),
    }));
    // From a microsecond to a minute, as no sane system has it in one second.
    const slots = slotsOf(Array.from({ length: 5000 }, () => 1e3 * 6e7 ** random.uniform()));
    const validity = { state: "degraded" as const, reasons: Array.from({ length: 9 }, (_, i) => long(i)) };
    const writer = new FrameWriter();
    const sizes = Array.from({ length: 30 }, (_, i) => {
      const now = moment(i + 1, { operations, errors, validity }, { rules });
      return Buffer.byteLength(JSON.stringify(writer.frame({ ...now, second: { ...now.second, slots } })));
    });
    // The first one introduces the names.
    expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(5000);
    expect(sizes.reduce((a, b) => a + b) / sizes.length).toBeLessThanOrEqual(5000);
    expect(writer.texts.length).toBeLessThan(100);
    expect(MOST_OPERATIONS).toBeLessThan(operations.length);
  });
});

describe("slots of response times", () => {
  test("a value lies within 4.5 % of the middle of its slot", () => {
    fc.assert(
      fc.property(fc.double({ min: 2, max: 1e13, noNaN: true }), (ns) => {
        expect(Math.abs(slotValue(slotOf(ns)) / ns - 1)).toBeLessThan(0.045);
      }),
    );
  });

  test("percentiles over several seconds are those of all their values, not averages", () => {
    const values = fc.array(fc.double({ min: 1e3, max: 1e11, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        fc.array(values, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(0.5, 0.95, 0.99, 1),
        (seconds, q) => {
          const merged = new Map<number, number>();
          for (const second of seconds) {
            const slots = slotsOf(second);
            for (let i = 0; i < slots.length; i += 2)
              merged.set(slots[i] ?? 0, (merged.get(slots[i] ?? 0) ?? 0) + (slots[i + 1] ?? 0));
          }
          const sorted = seconds.flat().toSorted((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
          expect(Math.abs((slotQuantile(merged, q) ?? Number.NaN) / exact - 1)).toBeLessThan(0.046);
        },
      ),
    );
    expect(slotQuantile(new Map(), 0.5)).toBeUndefined();
  });
});
