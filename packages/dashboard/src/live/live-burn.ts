import { type ChartLine, type LimitLine, type Markup, nothing, timeChart } from "@mettle/report";
import type { LiveModel } from "./live-model.ts";
import type { SpendingRow } from "./wire.ts";

/** Of the shortest window, which shows a burst; the next ones, what is left of it when it is over. */
const windowsOfBurn = [
  { seconds: 5, name: "5 s", style: "extreme" },
  { seconds: 60, name: "1 min", style: "high" },
  { seconds: 300, name: "5 min", style: "typical" },
] as const satisfies readonly { seconds: number; name: string; style: ChartLine["style"] }[];

/** At 1 the rule will just be held; at 14.4 a month's budget is gone in two days, which is when people are woken. */
const paces: readonly LimitLine[] = [
  { value: 1, label: "allowed 1×" },
  { value: 14.4, label: "14.4×" },
];

interface Spent {
  readonly rule: number;
  readonly allowed: number;
  readonly bad: number;
  readonly total: number;
}

/** How many times faster than allowed things go wrong: 1 uses up exactly what the rule lets go wrong. */
const burnOf = ({ bad, total, allowed }: Omit<Spent, "rule">): number | null =>
  total === 0 ? null : bad / total / allowed;

/**
 * The rule that has used up most of what it allows over all that is known; undefined where none allows a share. One that is
 * no longer among the worst, and so not shown, is none.
 */
export function worstSpent({ spending, standing }: LiveModel): Spent | undefined {
  const all = new Map<number, Spent>();
  for (const second of spending)
    for (const [rule, allowed, bad, total] of second) {
      const sum = all.get(rule);
      all.set(rule, { rule, allowed, bad: (sum?.bad ?? 0) + bad, total: (sum?.total ?? 0) + total });
    }
  const shown = [...all.values()].filter(({ rule }) => standing?.rules.some((row) => row[6] === rule));
  const worst = shown.toSorted((a, b) => (burnOf(b) ?? 0) - (burnOf(a) ?? 0));
  return worst[0];
}

/** How fast that rule burns now, over the last minute; undefined where nothing ended in it. */
export function burnNow({ spending }: LiveModel, rule: number): number | undefined {
  const sum = { allowed: 0, bad: 0, total: 0 };
  for (const second of spending.slice(-60))
    for (const row of second) {
      if (row[0] !== rule) continue;
      sum.allowed = row[1];
      sum.bad += row[2];
      sum.total += row[3];
    }
  return sum.total === 0 ? undefined : (burnOf(sum) ?? undefined);
}

/** The burn rate of one rule at the end of each second from `from` to before `to`, over so many seconds before. */
export function burnRates(
  spending: readonly (readonly SpendingRow[])[],
  rule: number,
  seconds: number,
  from: number,
  to: number,
): (number | null)[] {
  const rows = spending.map((second) => second.find((row) => row[0] === rule));
  const allowed = rows.findLast((row) => row !== undefined)?.[1] ?? 1;
  const rates: (number | null)[] = [];
  let [bad, total] = [0, 0];
  for (let i = Math.max(0, from - seconds + 1); i < to; i++) {
    const left = i - seconds >= Math.max(0, from - seconds + 1) ? rows[i - seconds] : undefined;
    bad += (rows[i]?.[2] ?? 0) - (left?.[2] ?? 0);
    total += (rows[i]?.[3] ?? 0) - (left?.[3] ?? 0);
    if (i >= from) rates.push(burnOf({ bad, total, allowed }));
  }
  return rates;
}

/** A stretch of the run as charts take it. */
interface BurnFrame {
  readonly from: number;
  readonly to: number;
  readonly frame: Omit<Parameters<typeof timeChart>[0], "title" | "unit" | "lines" | "limits">;
}

/** How fast the worst rule's budget burns, over three windows; nothing where no rule allows a share. */
export function burnChart(model: LiveModel, { from, to, frame }: BurnFrame): Markup {
  const worst = worstSpent(model);
  if (!worst) return nothing;
  const known = model.spending.length;
  const [text = -1] = model.standing?.rules.find((row) => row[6] === worst.rule) ?? [];
  const lines = windowsOfBurn
    .filter((_, i) => i === 0 || known > (windowsOfBurn[i - 1]?.seconds ?? 0))
    .map(
      ({ seconds, name, style }): ChartLine => ({
        name,
        style,
        atMs: model.atMs.slice(from, to),
        values: burnRates(model.spending, worst.rule, seconds, from, to),
      }),
    );
  return timeChart({
    title: `How fast ${model.text(text)} burns its budget`,
    unit: "count", // written as plain numbers: a rate of 1 is no 100 %
    lines,
    limits: paces,
    ...frame,
  });
}
