import { coreErrors } from "./core-errors.ts";
import type { MetricUnit } from "./units.ts";

/** A number with the unit it was written in converted to the stored unit; `unit` is absent for a bare number. */
export interface Quantity {
  readonly value: number;
  readonly unit?: MetricUnit;
}

const KIB = 1024;
/** A suffix smaller than the stored unit: a factor as a divisor, because ÷ 100 is exact where × 0.01 is not. */
const divisors: Readonly<Record<string, number>> = { "%": 100, "/min": 60 };

/** Suffix → stored unit and factor. `kB` and `MB` are decimal, `KiB` and `MiB` binary, as in IEC 80000-13. */
const suffixes: Readonly<Record<string, readonly [MetricUnit, number]>> = {
  ns: ["ns", 1],
  us: ["ns", 1e3],
  µs: ["ns", 1e3],
  μs: ["ns", 1e3],
  ms: ["ns", 1e6],
  s: ["ns", 1e9],
  m: ["ns", 60e9],
  min: ["ns", 60e9],
  h: ["ns", 3600e9],
  d: ["ns", 86_400e9],
  B: ["bytes", 1],
  kB: ["bytes", 1e3],
  KB: ["bytes", 1e3],
  MB: ["bytes", 1e6],
  GB: ["bytes", 1e9],
  KiB: ["bytes", KIB],
  MiB: ["bytes", KIB ** 2],
  GiB: ["bytes", KIB ** 3],
  "%": ["1", 1],
  "/s": ["1/s", 1],
  "/min": ["1/s", 1],
  "B/s": ["bytes/s", 1],
  "MB/s": ["bytes/s", 1e6],
  "B/h": ["bytes/h", 1],
  "kB/h": ["bytes/h", 1e3],
  "KB/h": ["bytes/h", 1e3],
  "MB/h": ["bytes/h", 1e6],
};

const quantityPattern = /^([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-zA-Zµμ%/]*)$/;
const compoundDuration = /^(?:\d+(?:\.\d+)?(?:h|min|ms|us|µs|μs|ns|m|s|d))+$/;
const durationPart = /(\d+(?:\.\d+)?)(h|min|ms|us|µs|μs|ns|m|s|d)/g;

/**
 * Reads `200ms`, `1m30s`, `1.5 MiB`, `0.1%`, `500/s` or a bare number.
 *
 * @returns the value in the stored unit of its kind (ns, bytes, 1, 1/s …)
 * @throws MettleError `QUANTITY_INVALID` for anything else, infinities included
 */
export function parseQuantity(text: string): Quantity {
  const trimmed = text.trim();
  const match = quantityPattern.exec(trimmed);
  if (match) {
    const value = Number((match[1] ?? "").replaceAll("_", ""));
    const suffix = match[2] ?? "";
    if (Number.isFinite(value)) {
      if (suffix === "") return { value };
      const known = Object.hasOwn(suffixes, suffix) ? suffixes[suffix] : undefined;
      const stored = known ? (value * known[1]) / (divisors[suffix] ?? 1) : Number.NaN;
      if (known && Number.isFinite(stored)) return { value: stored, unit: known[0] };
    }
  }
  if (compoundDuration.test(trimmed)) {
    let total = 0;
    for (const [, amount, suffix] of trimmed.matchAll(durationPart)) {
      total += Number(amount) * (suffixes[suffix ?? ""]?.[1] ?? Number.NaN);
    }
    if (Number.isFinite(total)) return { value: total, unit: "ns" };
  }
  throw coreErrors.create("QUANTITY_INVALID", `"${text}" is not a quantity.`, { details: { text } });
}

/**
 * Reads a duration such as `500ms`, `2s` or `1m30s` into milliseconds.
 *
 * @throws MettleError `QUANTITY_INVALID` when the text has no time unit or is negative
 */
export function parseDurationMs(text: string): number {
  const quantity = parseQuantity(text);
  if (quantity.unit !== "ns" || quantity.value < 0) {
    throw coreErrors.create("QUANTITY_INVALID", `"${text}" is not a duration.`, {
      details: { text },
      next: "Write a duration with its unit, such as 500ms, 2s or 1m30s.",
    });
  }
  return quantity.value / 1e6;
}

type Scale = readonly (readonly [number, string])[];
const timeScale: Scale = [
  [3600e9, " h"],
  [60e9, " min"],
  [1e9, " s"],
  [1e6, " ms"],
  [1e3, " µs"],
  [1, " ns"],
];
const byteScale: Scale = [
  [1e9, " GB"],
  [1e6, " MB"],
  [1e3, " kB"],
  [1, " B"],
];
const countScale: Scale = [
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
  [1, ""],
];

function significant(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001) return value.toExponential(1);
  // The limits are where a value rounds up to one digit more before the point: 99.96 is "100", not "100.0".
  if (size >= 99.95) return String(Math.round(value));
  return value.toFixed(size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

function scaled(value: number, scale: Scale): string {
  const size = Math.abs(value);
  // 0.9995 of a step already rounds up to "1000", which belongs to the next one.
  const step = scale.find(([factor]) => size >= factor * 0.9995) ?? scale.at(-1) ?? [1, ""];
  return `${significant(value / step[0])}${step[1]}`;
}

/** A value of a stored unit as people read it: three significant digits, the fitting prefix: `1.23 ms`, `45.6 kB`. */
export function formatQuantity(value: number, unit: MetricUnit): string {
  if (!Number.isFinite(value)) return String(value);
  switch (unit) {
    case "ns":
      return scaled(value, timeScale);
    case "bytes":
      return scaled(value, byteScale);
    case "bytes/s":
      return `${scaled(value, byteScale)}/s`;
    case "bytes/h":
      return `${scaled(value, byteScale)}/h`;
    case "1/s":
      return `${scaled(value, countScale).trimEnd()}/s`;
    case "1":
      return significant(value);
    case "count":
      return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : scaled(value, countScale);
    case "instructions":
      return `${scaled(value, countScale)} instr`;
  }
}

/** A fraction as a signed percentage with enough digits to be useful: `+2.1 %`, `−0.03 %`. */
export function formatChange(fraction: number): string {
  if (!Number.isFinite(fraction)) return String(fraction);
  const percent = fraction * 100;
  const size = Math.abs(percent);
  const digits = size >= 100 ? 0 : size >= 0.095 ? 1 : 2;
  const text = size.toFixed(digits);
  const sign = Number(text) === 0 ? "±" : percent < 0 ? "−" : "+";
  return `${sign}${text} %`;
}

const neverNegative: ReadonlySet<MetricUnit> = new Set(["ns", "count", "1/s", "1", "instructions"]);

/** Whether nothing can be less than zero of it: times, counts and rates, as opposed to a growth in bytes. */
export const isNeverNegative = (unit: MetricUnit): boolean => neverNegative.has(unit);
