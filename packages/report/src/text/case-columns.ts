import { formatChange } from "@mettle/core";
import type { Comparison, Measurement } from "@mettle/results";
import type { BenchCase, CaseQuantity } from "../cases.ts";
import { caseLabels } from "../cases.ts";
import { alignQuantities, formatHalfWidth, formatRatioInterval } from "./quantities.ts";
import type { Cell, Column } from "./table.ts";
import { visibleText } from "./visible.ts";
import { outcomeTones, outcomeWord } from "./words.ts";

const plain = (texts: readonly string[]): Cell[] => texts.map((text) => ({ text }));
const dim = (texts: readonly string[]): Cell[] => texts.map((text) => ({ text, tone: "dim" }));

/** The columns of the table of cases; those that nothing was measured for come out empty and are not shown. */
export function caseColumns(cases: readonly BenchCase[]): Column[] {
  const of = (quantity: CaseQuantity): (Measurement | undefined)[] =>
    cases.map(({ measurements }) => measurements[quantity]);
  const times = of("time");
  return [
    {
      title: "case",
      align: "left",
      cells: plain(caseLabels(cases).map(visibleText)),
      shrinkTo: 20,
    },
    {
      title: "median",
      align: "right",
      cells: plain(
        alignQuantities(
          times.map((time) => time?.summary.p50),
          "ns",
        ),
      ),
    },
    { title: "±", align: "right", cells: dim(times.map(halfWidth)), dropOrder: 2 },
    {
      title: "p99",
      align: "right",
      cells: plain(
        alignQuantities(
          times.map((time) => time?.summary.p99),
          "ns",
        ),
      ),
      dropOrder: 3,
    },
    {
      title: "iter/s",
      align: "right",
      cells: plain(alignQuantities(cases.map(ratePerSecond), "1/s")),
      dropOrder: 5,
    },
    {
      title: "bytes/op",
      align: "right",
      cells: plain(alignQuantities(of("allocated").map(typical), "bytes")),
      dropOrder: 4,
    },
    {
      title: "off-heap/op",
      align: "right",
      cells: plain(alignQuantities(of("offHeap").map(typical), "bytes")),
      dropOrder: 8,
    },
    { title: "GC/op", align: "right", cells: plain(alignQuantities(of("gcCount").map(total), "count")), dropOrder: 6 },
    { title: "GC time/op", align: "right", cells: plain(alignQuantities(of("gcTime").map(total), "ns")), dropOrder: 7 },
    ...changeColumns(cases.map(({ comparison }) => comparison)),
  ];
}

/** Change, its interval and the word. The heading names the baseline when there is one for all. */
export function changeColumns(comparisons: readonly (Comparison | undefined)[]): Column[] {
  const labels = new Set(comparisons.flatMap((comparison) => (comparison ? [comparison.baseline.label] : [])));
  const [label] = labels;
  const common = labels.size === 1 && label !== undefined ? `vs ${visibleText(label)}` : undefined;
  const cell = (textOf: (comparison: Comparison) => string): Cell[] =>
    comparisons.map((comparison) =>
      comparison ? { text: textOf(comparison), tone: outcomeTones[comparison.outcome] } : { text: "" },
    );
  return [
    { title: "change", align: "right", cells: cell(({ ratio }) => formatChange(ratio - 1)) },
    {
      title: intervalTitle(comparisons),
      align: "right",
      cells: cell(({ interval }) => formatRatioInterval(interval.low, interval.high)),
      dropOrder: 1,
    },
    {
      title: common ?? "",
      align: "left",
      cells: cell((comparison) =>
        common === undefined ? wordAgainst(comparison) : outcomeWord(comparison.outcome, comparison.unit),
      ),
      shrinkTo: 9,
    },
  ];
}

/** With several baselines the word alone would not say against what. */
function wordAgainst({ outcome, unit, baseline }: Comparison): string {
  const word = outcomeWord(outcome, unit);
  return `${word} ${outcome === "same" ? "as" : outcome === "undecided" ? "against" : "than"} ${visibleText(baseline.label)}`;
}

function intervalTitle(comparisons: readonly (Comparison | undefined)[]): string {
  const levels = new Set(comparisons.flatMap((comparison) => (comparison ? [comparison.interval.confidence] : [])));
  const [level] = levels;
  return levels.size === 1 && level !== undefined ? `${Number((level * 100).toFixed(2))} % CI` : "interval";
}

function halfWidth(time: Measurement | undefined): string {
  const { interval, summary } = time ?? {};
  const center = interval?.of === "median" ? summary?.p50 : interval?.of === "mean" ? summary?.mean : undefined;
  return interval && center !== undefined ? formatHalfWidth(center, interval.low, interval.high, "ns") : "";
}

/**
 * As measured, or else what one caller does in a second at the median: the time in another unit, not a throughput. A time
 * that may as well be zero has none.
 */
function ratePerSecond({ measurements }: BenchCase): number | undefined {
  const { rate, time } = measurements;
  const median = time?.summary.p50;
  const isTime = median !== undefined && median > 0 && !(time?.interval && time.interval.low <= 0);
  return (rate && typical(rate)) ?? time?.summary.perSecond ?? (isTime ? 1e9 / median : undefined);
}

/** The figure that stands for a measurement where there is room for one. */
export function typical(measurement: Measurement | undefined): number | undefined {
  const summary = measurement?.summary;
  return summary?.p50 ?? summary?.mean ?? summary?.perSecond ?? summary?.rate ?? summary?.last ?? summary?.sum;
}

const total = (measurement: Measurement | undefined): number | undefined =>
  measurement?.summary.sum ?? typical(measurement);
