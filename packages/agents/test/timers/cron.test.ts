import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cron } from "../../src/timers/cron.ts";

const MINUTE = 60_000;
const at = (text: string): number => Date.parse(`${text}Z`);
const next = (expression: string, after: string): string | undefined => {
  const found = new Cron(expression).next(at(after));
  return found === undefined ? undefined : new Date(found).toISOString().slice(0, 16);
};

describe("Cron", () => {
  test.each([
    ["* * * * *", "2026-01-01T00:00", "2026-01-01T00:01"],
    ["*/15 * * * *", "2026-01-01T10:46", "2026-01-01T11:00"],
    ["10-40/10 8 * * *", "2026-01-01T08:20", "2026-01-01T08:30"],
    ["0 2 * * *", "2026-12-31T02:00", "2027-01-01T02:00"],
    ["30 9 * * 1-5", "2026-11-20T09:30", "2026-11-23T09:30"],
    ["0 0 * * 7", "2026-11-21T12:00", "2026-11-22T00:00"],
    ["0 0 13 * 5", "2026-11-21T00:00", "2026-11-27T00:00"],
    ["0 0 29 2 *", "2026-03-01T00:00", "2028-02-29T00:00"],
    ["0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"],
    ["5/20 0 1 1,7 *", "2026-01-01T00:46", "2026-07-01T00:05"],
  ])("%s after %s is %s", (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  test("a day that never comes is never due", () => {
    expect(next("0 0 31 2 *", "2026-01-01T00:00")).toBeUndefined();
  });

  test.each([
    "* * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "5-1 * * * *",
    "*/0 * * * *",
    "a * * * *",
    "1,,2 * * * *",
    "",
  ])("%j is refused", (expression) => {
    expect(() => new Cron(expression)).toThrow(expect.objectContaining({ code: "AGENT_OPTIONS_INVALID" }));
  });

  test("against looking at every minute of two days", () => {
    const values = (min: number, max: number) =>
      fc.oneof(
        fc.constant("*"),
        fc.integer({ min, max }).map(String),
        fc
          .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        fc.integer({ min: 1, max: 30 }).map((step) => `*/${step}`),
      );
    fc.assert(
      fc.property(values(0, 59), values(0, 23), values(0, 6), fc.nat(2 * 1440), (minute, hour, weekday, offset) => {
        const from = at("2026-11-20T00:00") + offset * MINUTE;
        const matches = (text: string, value: number, min: number): boolean => {
          const [range = "", step] = text.split("/");
          const [low, high] = range.split("-");
          if (range === "*") return (value - min) % Number(step ?? 1) === 0;
          return value >= Number(low) && value <= Number(high ?? low);
        };
        let expected: number | undefined;
        for (let time = from + MINUTE; time < from + 9 * 1440 * MINUTE; time += MINUTE) {
          const date = new Date(time);
          if (!matches(weekday, date.getUTCDay(), 0) || !matches(hour, date.getUTCHours(), 0)) continue;
          if (!matches(minute, date.getUTCMinutes(), 0)) continue;
          expected = time;
          break;
        }
        expect(new Cron(`${minute} ${hour} * * ${weekday}`).next(from)).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });
});
