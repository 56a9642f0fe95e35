import { formatQuantity, type MetricUnit } from "@mettle/core";

export interface Tick {
  /** Along the axis, 0 … 1. */
  readonly at: number;
  readonly label: string;
}

/** From values to positions 0 … 1. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly position: (value: number) => number;
  readonly ticks: readonly Tick[];
}

/** 1, 2, 2.5 or 5 times a power of ten: the least that is not below `rough`. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** In times, steps that read well in the unit they will be shown in: 15 s, 30 s, a minute. */
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];

/** From 0 to a round value at or above `greatest`, with about `count` ticks. */
export function linearScale(greatest: number, unit: MetricUnit, count: number = 4): Scale {
  const top = greatest > 0 ? greatest : 1;
  const step = niceStep(top / count);
  const high = Math.ceil((top / step) * (1 - 1e-9)) * step;
  const position = (value: number): number => value / high;
  const ticks = Array.from({ length: Math.round(high / step) + 1 }, (_, i): Tick => {
    const value = i * step;
    return { at: position(value), label: i === 0 ? "0" : tickLabel(value, unit, high) };
  });
  return { low: 0, high, position, ticks };
}

/** Logarithmic from `least` to `greatest`, both above 0; a tick at each 1, 2 and 5, fewer where they would crowd. */
export function logScale(least: number, greatest: number, unit: MetricUnit, most: number = 7): Scale {
  const low = least;
  const high = greatest > least * 1.02 ? greatest : least * 1.02;
  const span = Math.log(high / low);
  const position = (value: number): number => (value <= low ? 0 : Math.log(value / low) / span);
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  );
  const inside = (factors: readonly number[]): number[] =>
    decades
      .flatMap((decade) => factors.map((factor) => factor * 10 ** decade))
      .filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
  const fine = [[1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]]
    .map(inside)
    .find((values) => values.length <= most);
  const chosen = fine ?? thinned(inside([1]), most);
  const ticks = chosen.length >= 2 ? chosen : [low, Math.sqrt(low * high), high];
  return { low, high, position, ticks: ticks.map((value) => ({ at: position(value), label: tickLabel(value, unit) })) };
}

const thinned = (values: readonly number[], most: number): number[] =>
  values.filter((_, i) => i % Math.ceil(values.length / most) === 0);

/** Of the time since the start of a run, from `fromMs` to `toMs`. */
export function timeTicks(fromMs: number, toMs: number, count: number = 6): Tick[] {
  const seconds = (toMs - fromMs) / 1000;
  if (!(seconds > 0)) return [];
  const step = timeSteps.find((each) => each >= seconds / count) ?? niceStep(seconds / count / 86_400) * 86_400;
  const first = Math.ceil(fromMs / 1000 / step) * step;
  const ticks: Tick[] = [];
  for (let at = first; at * 1000 <= toMs; at += step)
    ticks.push({ at: (at * 1000 - fromMs) / (toMs - fromMs), label: clockLabel(at) });
  return ticks;
}

function clockLabel(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = `${Math.floor(seconds / 60) % 60}:${two(Math.floor(seconds % 60))}`;
  return seconds < 3600 ? minutes : `${Math.floor(seconds / 3600)}:${minutes.padStart(5, "0")}`;
}

/**
 * Without the digits that a round value does not need: `200 ms`, `2.5 s`.
 *
 * @param greatest - of the axis: what goes beyond 1 is no share, and one axis has one kind of label
 */
export function tickLabel(value: number, unit: MetricUnit, greatest: number = value): string {
  if (unit === "1" && value > 0 && greatest <= 1) return `${Number((value * 100).toPrecision(3))} %`;
  return formatQuantity(value, unit).replace(/^(\d+)\.0+(?=\D|$)|^(\d+\.\d*?[1-9])0+(?=\D|$)/, "$1$2");
}
