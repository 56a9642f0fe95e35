import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { forestBar, forestReach, forestText } from "../../../src/html/charts/forest.ts";
import { outcomeWord } from "../../../src/text/words.ts";

const row = { ratio: 1.031, low: 1.022, high: 1.04, outcome: "worse", margin: 0.01 } as const;

describe("forest plot", () => {
  test("what is more stands right of the line, what is less stands left, no change on it", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 5, noNaN: true }), (ratio) => {
        const at = Number(/cx="([\d.]+)"/.exec(forestBar({ ratio, outcome: "same" }, 2).text)?.[1]);
        // A linear axis of logarithms: 64 of its 70 units on either side are the reach.
        expect(Math.abs(at - (70 + (Math.log(ratio) / 2) * 64))).toBeLessThan(0.051);
      }),
    );
  });

  test("an interval that leaves the axis ends in an arrow", () => {
    const reach = forestReach([row, row, row]);
    expect(forestBar(row, reach).text).not.toContain("arrow");
    expect(forestBar({ ...row, high: 90 }, reach).text.match(/class="arrow"/g)).toHaveLength(1);
    expect(forestBar({ ...row, low: 0.01, high: 90 }, reach).text.match(/class="arrow"/g)).toHaveLength(2);
  });

  test("one wild row does not press the others flat, and noise within the margin does not fill the axis", () => {
    const rows = [...Array.from({ length: 19 }, () => row), { ...row, ratio: 500, high: 900 }];
    expect(forestReach(rows)).toBeLessThan(0.06);
    expect(forestReach([{ ratio: 1.0001, outcome: "same", margin: 0.02 }])).toBeCloseTo(0.06, 6);
  });

  test("words and figures", () => {
    expect(forestText(row)).toBe("+3.1 % [+2.2, +4.0]");
    expect(forestText({ ratio: 0.0122, low: 0.0074, high: 0.02, outcome: "better" })).toBe("÷82 [÷135, ÷50]");
    expect(forestText({ ratio: 12.34, outcome: "worse" })).toBe("×12.3");
    expect([
      outcomeWord("worse", "ns"),
      outcomeWord("worse", "bytes"),
      outcomeWord("undecided", "ns"),
      outcomeWord("same", "ns"),
    ]).toEqual(["slower", "worse", "can't tell", "no change"]);
  });
});
