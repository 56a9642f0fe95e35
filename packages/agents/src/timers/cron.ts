import { agentErrors } from "../runtime/errors.ts";

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

const fields: readonly Field[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12 },
  { name: "day of week", min: 0, max: 7 },
];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** 29 February may be eight years away (1896–1904, 2096–2104). */
const SEARCH_DAYS = 366 * 8 + 2;

/**
 * When a cron expression is due: five fields, minute to day of week, in UTC. Numbers, `*`, lists `1,2`, ranges `1-5` and
 * steps `0-59/15` or `10-40/10`; Sunday is 0 and 7. Of day of month and day of week either suffices when both are given.
 */
export class Cron {
  readonly #minutes: readonly number[];
  readonly #hours: readonly number[];
  readonly #days: ReadonlySet<number>;
  readonly #months: ReadonlySet<number>;
  readonly #weekdays: ReadonlySet<number>;
  /** Days match when either field does: both were restricted. */
  readonly #eitherDay: boolean;

  /** @throws AGENT_OPTIONS_INVALID naming the field */
  constructor(expression: string) {
    const parts = expression.trim().split(/\s+/);
    if (parts.length !== fields.length) throw invalid(expression, `five fields are needed, got ${parts.length}`);
    const [minutes, hours, days, months, weekdays] = parts.map((part, i) => valuesOf(expression, part, fields[i]!)) as [
      number[],
      number[],
      number[],
      number[],
      number[],
    ];
    this.#minutes = minutes;
    this.#hours = hours;
    this.#days = new Set(days);
    this.#months = new Set(months);
    this.#weekdays = new Set(weekdays.map((day) => day % 7));
    this.#eitherDay = !parts[2]!.startsWith("*") && !parts[4]!.startsWith("*");
  }

  /** Milliseconds since the epoch of the first minute after `afterMs` that matches; undefined when none ever does. */
  next(afterMs: number): number | undefined {
    const from = (Math.floor(afterMs / MINUTE) + 1) * MINUTE;
    const firstDay = Math.floor(from / DAY);
    for (let day = firstDay; day < firstDay + SEARCH_DAYS; day++) {
      if (!this.#matchesDay(new Date(day * DAY))) continue;
      for (const hour of this.#hours) {
        for (const minute of this.#minutes) {
          const at = day * DAY + hour * HOUR + minute * MINUTE;
          if (at >= from) return at;
        }
      }
    }
    return undefined;
  }

  #matchesDay(date: Date): boolean {
    if (!this.#months.has(date.getUTCMonth() + 1)) return false;
    const byDay = this.#days.has(date.getUTCDate());
    const byWeekday = this.#weekdays.has(date.getUTCDay());
    return this.#eitherDay ? byDay || byWeekday : byDay && byWeekday;
  }
}

function valuesOf(expression: string, text: string, field: Field): number[] {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const parsed = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!parsed) throw invalid(expression, `${field.name} "${part}" is not understood`);
    const [, first, last, step] = parsed;
    const from = first === undefined ? field.min : Number(first);
    const open = first === undefined || (last === undefined && step !== undefined);
    const to = open ? field.max : Number(last ?? first);
    const by = step === undefined ? 1 : Number(step);
    if (from < field.min || to > field.max || from > to || by < 1) {
      throw invalid(expression, `${field.name} "${part}" is outside ${field.min}–${field.max}`);
    }
    for (let value = from; value <= to; value += by) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function invalid(expression: string, problem: string): Error {
  return agentErrors.create("AGENT_OPTIONS_INVALID", `The cron expression "${expression}" is not valid: ${problem}.`, {
    details: { expression, problem },
  });
}
