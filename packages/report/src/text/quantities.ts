import { formatChange, formatQuantity, type MetricUnit } from "@mettle/core";
import { textWidth } from "./width.ts";

/** Prefixes of the units that have a fixed one-unit scale, largest first. */
const prefixes: Readonly<Partial<Record<MetricUnit, readonly (readonly [number, string])[]>>> = {
  ns: [
    [3600e9, "h"],
    [60e9, "min"],
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "µs"],
    [1, "ns"],
  ],
  bytes: [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
    [1, "B"],
  ],
  "1/s": [
    [1e9, "G/s"],
    [1e6, "M/s"],
    [1e3, "k/s"],
    [1, "/s"],
  ],
};

/** Within this span from least to greatest one prefix still reads well for a whole column: 1.00 … 999.99. */
const ONE_PREFIX_SPAN = 1000;

/**
 * A column of values of one unit, as text that lines up when right-aligned. Values within three decades share one prefix
 * and their decimal points stand under each other; in a wider column each has its own prefix and three digits.
 *
 * @param values - absent ones give an empty text
 */
export function alignQuantities(values: readonly (number | undefined)[], unit: MetricUnit): string[] {
  const shared = sharedPrefix(values, unit);
  return alignParts(
    values.map((value) => {
      if (value === undefined) return undefined;
      if (!shared || !Number.isFinite(value)) return splitQuantity(formatQuantity(value, unit));
      return { number: value === 0 ? "0" : (value / shared.factor).toFixed(shared.decimals), suffix: shared.suffix };
    }),
  );
}

interface Parts {
  readonly number: string;
  readonly suffix: string;
}

function sharedPrefix(values: readonly (number | undefined)[], unit: MetricUnit) {
  const sizes = values.flatMap((value) =>
    value !== undefined && Number.isFinite(value) && value !== 0 ? [Math.abs(value)] : [],
  );
  const scale = prefixes[unit];
  if (!scale || sizes.length < 2) return undefined;
  const least = sizes.reduce((a, b) => Math.min(a, b));
  const greatest = sizes.reduce((a, b) => Math.max(a, b));
  if (greatest / least > ONE_PREFIX_SPAN) return undefined;
  const step = scale.find(([factor]) => least >= factor * 0.9995);
  if (!step || greatest / step[0] >= 10_000) return undefined;
  const smallest = least / step[0];
  const whole = unit === "bytes" && step[0] === 1 && sizes.every(Number.isInteger);
  return { factor: step[0], suffix: step[1], decimals: whole || smallest >= 99.95 ? 0 : smallest >= 9.995 ? 1 : 2 };
}

function splitQuantity(text: string): Parts {
  const match = /^([-−+±]?[\d.]+(?:e[-+]?\d+)?)\s*(.*)$/.exec(text);
  return match ? { number: match[1] ?? "", suffix: match[2] ?? "" } : { number: text, suffix: "" };
}

function alignParts(parts: readonly (Parts | undefined)[]): string[] {
  const width = parts.reduce((most, part) => Math.max(most, part ? textWidth(part.suffix) : 0), 0);
  return parts.map((part) => (part ? `${part.number}${width > 0 ? " " : ""}${part.suffix.padStart(width)}` : ""));
}

/** A share as people read it: `91.8 %`, `0.29 %`, `164 %`. */
export function formatShare(fraction: number): string {
  return formatChange(Math.abs(fraction)).replace(/^[+±]/, "");
}

/**
 * A figure and its limit, each as people read it, with as many digits as tell the two apart: "0.1 % (limit 0.1 %)" says
 * nothing of a miss.
 */
export function formatApart(
  value: number,
  limit: number,
  unit: MetricUnit,
  format: (value: number, unit: MetricUnit) => string = formatFigure,
): readonly [value: string, limit: string] {
  const usual = [format(value, unit), format(limit, unit)] as const;
  if (value === limit || usual[0] !== usual[1]) return usual;
  const { number: rounded, suffix } = splitQuantity(usual[0]);
  const factor = nearestFactor(value / Number(rounded.replaceAll(/[−-]/g, "-")));
  const precise = (figure: number, digits: number): string => {
    const number = String(Number((figure / factor).toPrecision(digits)));
    return `${number}${suffix === "" || suffix.startsWith("/") ? "" : " "}${suffix}`;
  };
  // Seventeen digits tell any two numbers apart.
  const digits = [4, 5, 6, 8, 17].find((each) => precise(value, each) !== precise(limit, each)) ?? 17;
  return [precise(value, digits), precise(limit, digits)];
}

const factors = [0.01, 1, 1e3, 1e6, 1e9, 60e9, 3600e9] as const;

/** What a prefix stands for, from a quotient that rounding has put off by at most a twentieth. */
function nearestFactor(quotient: number): number {
  const distance = (factor: number): number => Math.abs(Math.log(quotient / factor));
  return factors.reduce((best, factor) => (distance(factor) < distance(best) ? factor : best));
}

/** Shares as percentages: 0.00925 says nothing to anyone. */
export const formatFigure = (value: number, unit: MetricUnit): string =>
  unit === "1" && value > 0 && value <= 1 ? formatShare(value) : formatQuantity(value, unit);

/** `[+2.2, +4.0]` in percent, from an interval of ratios. */
export function formatRatioInterval(low: number, high: number): string {
  const bare = (ratio: number): string => formatChange(ratio - 1).replace(" %", "");
  return `[${bare(low)}, ${bare(high)}]`;
}

/**
 * The half width of an interval around `value`, its wider side: `±0.4 %`. A value that the interval does not tell from
 * zero has no share worth saying: its half width is a quantity, `±0.29 ns`.
 */
export function formatHalfWidth(value: number, low: number, high: number, unit: MetricUnit): string {
  const half = Math.max(high - value, value - low);
  return `±${low <= 0 && high >= 0 ? formatQuantity(half, unit) : formatShare(half / Math.abs(value))}`;
}

/** A duration of a run: `940 ms`, `48.2 s`, `12:00 min`, `1:02:03 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 59_950)
    return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
  const clock = formatClock(durationMs);
  return durationMs < 3_600_000 ? `${clock} min` : `${clock} h`;
}

/** `07:42`, from an hour on `1:07:42`. Whole seconds, rounded down as a running clock shows them. */
export function formatClock(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutesAndSeconds = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? minutesAndSeconds : `${Math.floor(seconds / 3600)}:${minutesAndSeconds}`;
}
