import type { LiveSpending } from "@mettle/dashboard";
import type { LoadSnapshot } from "@mettle/load";
import type { LiveThreshold } from "./thresholds.ts";

/** What a rule lets go wrong, and how much of what was seen so far went wrong. */
interface Spent {
  readonly allowed: number;
  readonly bad: number;
  readonly total: number;
}

type Board = LoadSnapshot["board"];

/** Follows what each rule that allows a share spends of it, second by second. */
export class SpendingMeter {
  readonly #before = new Map<number, Spent>();

  /** @param judged - the same rules in the same order each second: two may be written alike */
  read(board: Board, judged: readonly LiveThreshold[]): readonly LiveSpending[] {
    return judged.flatMap((one, rule) => {
      const now = spentOf(board, one);
      if (!now) return [];
      const before = this.#before.get(rule);
      this.#before.set(rule, now);
      const { allowed, bad, total } = now;
      return [
        { rule, allowed, bad: Math.max(0, bad - (before?.bad ?? 0)), total: Math.max(0, total - (before?.total ?? 0)) },
      ];
    });
  }
}

/**
 * `rate < 0.01` lets 1 % be true, `rate > 0.99` 1 % be false, and `p(95) < 200ms` 5 % be slower. Undefined for a rule that
 * allows no share, such as one on a mean, and for one without data.
 */
function spentOf(board: Board, { rule, finding }: LiveThreshold): Spent | undefined {
  const { conditions } = rule.threshold;
  const [condition] = conditions;
  const limit = finding?.limit;
  const row = board.find(rule.selector.metric, rule.selector.tags);
  if (!condition || conditions.length > 1 || limit === undefined || !row) return undefined;
  const isBelow = condition.operator.startsWith("<");
  const { kind } = condition.statistic;
  if (kind === "rate" && row.definition.kind === "rate") {
    const [allowed, trues] = [isBelow ? limit : 1 - limit, row.sum ?? 0];
    return allowed > 0 ? { allowed, bad: isBelow ? trues : row.count - trues, total: row.count } : undefined;
  }
  const percentile =
    condition.statistic.kind === "percentile" ? condition.statistic.percentile : kind === "median" ? 50 : undefined;
  const within = row.countAtOrBelow(limit);
  if (!isBelow || percentile === undefined || percentile >= 100 || within === undefined) return undefined;
  return { allowed: 1 - percentile / 100, bad: Math.round(row.count - within), total: row.count };
}
