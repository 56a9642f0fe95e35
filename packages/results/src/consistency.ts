import { histogramProblem } from "./histogram-statistic.ts";
import { measurementKey } from "./measurement-key.ts";
import { childPath, type Problem } from "./problem.ts";
import type { Comparison, Interval, Measurement, RawBlocks, Run, Series, Summary } from "./run.ts";

/** Sums of doubles round: a mean may leave [min, max] by this fraction and still be honest. */
const ROUNDING = 1e-9;
/** Ratios pass through exp and log. */
const LOG_ROUNDING = 1e-6;
const ordered = ["min", "p50", "p75", "p90", "p95", "p99", "p999", "max"] as const;

type Report = (path: string, message: string) => void;

/**
 * What a schema cannot say: figures that contradict one another. Expects a document that the schema accepts.
 *
 * @returns every contradiction; empty for a consistent run
 */
export function contradictions(run: Run): readonly Problem[] {
  const problems: Problem[] = [];
  const report: Report = (path, message) => {
    problems.push({ path, message });
  };
  if (Number.isNaN(Date.parse(run.startedAt))) report("$.startedAt", `${run.startedAt} is not a moment that exists`);
  checkValidity(run, report);
  const measured = new Map<string, number>();
  for (const [index, measurement] of run.measurements.entries()) {
    const path = `$.measurements[${index}]`;
    checkUnique(measured, measurementKey(measurement), index, path, report);
    checkMeasurement(measurement, path, report);
  }
  const compared = new Map<string, number>();
  for (const [index, comparison] of (run.comparisons ?? []).entries()) {
    const path = `$.comparisons[${index}]`;
    const sides = `${JSON.stringify(comparison.baseline.label)} with ${JSON.stringify(comparison.candidate.label)}`;
    checkUnique(compared, `${measurementKey(comparison)}, ${sides}`, index, path, report);
    checkComparison(comparison, path, report);
  }
  return problems;
}

function checkUnique(seen: Map<string, number>, key: string, index: number, path: string, report: Report): void {
  const first = seen.get(key);
  if (first === undefined) seen.set(key, index);
  else report(path, `the same metric and tags as number ${first}: ${key}`);
}

function checkValidity({ validity, failures = [] }: Run, report: Report): void {
  if (validity.state === "valid" && validity.reasons.length > 0) {
    report("$.validity.reasons", "a valid run has no reasons against it");
  } else if (validity.state === "valid" && failures.length > 0) {
    report("$.validity.state", `says valid, but ${failures.length} of what was asked for failed`);
  }
  if (validity.state !== "valid" && validity.reasons.length === 0) {
    report("$.validity.reasons", `says ${validity.state} and gives no reason`);
  }
}

function checkMeasurement(measurement: Measurement, path: string, report: Report): void {
  const { summary, interval, histogram, series, raw, outliers, errors } = measurement;
  const isOrdered = checkSummary(summary, `${path}.summary`, report);
  if (interval) checkInterval(interval, `${path}.interval`, report);
  if (histogram) {
    if (histogram.count !== summary.count) {
      report(`${path}.histogram.count`, `${histogram.count}, but summary.count is ${summary.count}`);
    }
    if (histogram.count > 0 && histogram.min > histogram.max) {
      report(`${path}.histogram.min`, `${histogram.min} is above max ${histogram.max}`);
    }
    const undecodable = checkEncoding(histogram.buckets, `${path}.histogram.buckets`, report)
      ? histogramProblem(histogram)
      : undefined;
    if (undecodable) report(`${path}.histogram`, undecodable);
  }
  if (series) checkSeries(series, `${path}.series`, report);
  const blocks = raw && checkRaw(raw, `${path}.raw`, report);
  if (blocks && isOrdered) checkAgainstRaw(summary, blocks, `${path}.summary`, report);
  if (outliers) {
    const labelled = outliers.lowSevere + outliers.lowMild + outliers.highMild + outliers.highSevere;
    if (labelled > summary.count) report(`${path}.outliers`, `${labelled} outliers among ${summary.count} samples`);
  }
  checkSlowest(measurement, path, report);
  if (errors) {
    const kinds = Object.values(errors.kinds).reduce((total, each) => total + each, 0);
    if (kinds > errors.count)
      report(`${path}.errors.kinds`, `adds up to ${kinds}, but errors.count is ${errors.count}`);
  }
}

/** The slowest are samples like all others, and their parts are no longer than they. */
function checkSlowest({ slowest = [], summary }: Measurement, path: string, report: Report): void {
  slowest.forEach(({ value, phases }, i) => {
    if (summary.max !== undefined && value > summary.max * (1 + ROUNDING))
      report(`${path}.slowest[${i}].value`, `${value} is above summary.max ${summary.max}`);
    const parts = phases.reduce((sum, [, part]) => sum + part, 0);
    if (parts > value * (1 + ROUNDING)) report(`${path}.slowest[${i}].phases`, `add up to ${parts}, above ${value}`);
  });
}

/** @returns false when its figures contradict each other */
function checkSummary(summary: Summary, path: string, tell: Report): boolean {
  let consistent = true;
  const report: Report = (place, message) => {
    consistent = false;
    tell(place, message);
  };
  let below: { name: string; value: number } | undefined;
  for (const name of ordered) {
    const value = summary[name];
    if (value === undefined) continue;
    if (below && value < below.value) report(childPath(path, name), `${value} is below ${below.name} ${below.value}`);
    below = { name, value };
  }
  const { mean, min, max } = summary;
  if (mean !== undefined) {
    const slack = Math.abs(mean) * ROUNDING;
    if (min !== undefined && mean < min - slack) report(`${path}.mean`, `${mean} is below min ${min}`);
    if (max !== undefined && mean > max + slack) report(`${path}.mean`, `${mean} is above max ${max}`);
  }
  if (summary.count === 0) {
    for (const name of ["mean", "stddev", "rate", "last", ...ordered] as const) {
      if (summary[name] !== undefined) report(childPath(path, name), "there are no samples that it could be of");
    }
  }
  return consistent;
}

function checkInterval(interval: Pick<Interval, "low" | "high">, path: string, report: Report): void {
  if (interval.low > interval.high) report(`${path}.low`, `${interval.low} is above high ${interval.high}`);
}

function checkSeries(series: Series, path: string, report: Report): void {
  const { atMs, values } = series;
  const falls = atMs.findIndex((at, index) => index > 0 && at < (atMs[index - 1] ?? at));
  if (falls > 0) report(`${path}.atMs[${falls}]`, `${atMs[falls]} is before ${atMs[falls - 1]}`);
  for (const [name, figures] of Object.entries(values)) {
    if (figures.length !== atMs.length) {
      report(childPath(`${path}.values`, name), `has ${figures.length} values for ${atMs.length} moments`);
    }
  }
}

/** Buffer.from skips what it cannot read; only text that it would write the same way is whole. */
function checkEncoding(encoded: string, path: string, report: Report): Buffer | undefined {
  const decoded = Buffer.from(encoded, "base64");
  if (decoded.toString("base64") === encoded) return decoded;
  report(path, "is not whole base64");
  return undefined;
}

interface RawRange {
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

/** @returns what the values span; undefined when they cannot be read */
function checkRaw(raw: RawBlocks, path: string, report: Report): RawRange | undefined {
  let range: RawRange | undefined = { count: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  for (const [index, encoded] of raw.processes.entries()) {
    const blocks = checkBlocks(encoded, `${path}.processes[${index}]`, report);
    range = range &&
      blocks && {
        count: range.count + blocks.count,
        min: Math.min(range.min, blocks.min),
        max: Math.max(range.max, blocks.max),
      };
  }
  return range;
}

function checkBlocks(encoded: string, place: string, report: Report): RawRange | undefined {
  const decoded = checkEncoding(encoded, place, report);
  if (!decoded) return undefined;
  if (decoded.length % 4 !== 0) {
    report(place, `${decoded.length} bytes are not a whole number of 4-byte values`);
    return undefined;
  }
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < decoded.length; at += 4) {
    const value = decoded.readFloatLE(at);
    if (!Number.isFinite(value)) {
      report(place, `value ${at / 4} is ${value}`);
      return undefined;
    }
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { count: decoded.length / 4, min, max };
}

/** A summary is of all the raw values or, where the first of them were warm-up, of some: it cannot lie outside them. */
function checkAgainstRaw(summary: Summary, raw: RawRange, path: string, report: Report): void {
  if (summary.count > raw.count) report(`${path}.count`, `${summary.count}, but there are ${raw.count} raw values`);
  if (raw.count === 0) return;
  const slack = Math.max(Math.abs(raw.min), Math.abs(raw.max)) * ROUNDING;
  for (const name of [...ordered, "mean"] as const) {
    const value = summary[name];
    if (value === undefined || (value >= raw.min - slack && value <= raw.max + slack)) continue;
    report(childPath(path, name), `${value} lies outside the raw values ${raw.min} … ${raw.max}`);
  }
}

function checkComparison(comparison: Comparison, path: string, report: Report): void {
  const { ratio, interval, logRatios, pairs, selfCheck } = comparison;
  const isSound = checkRatioInterval(ratio, interval, `${path}.interval`, report);
  if (isSound) checkOutcome(comparison, path, report);
  if (selfCheck) checkRatioInterval(selfCheck.ratio, selfCheck, `${path}.selfCheck`, report);
  if (logRatios.length !== pairs) {
    report(`${path}.logRatios`, `has ${logRatios.length} ratios for ${pairs} pairs`);
    return;
  }
  const [least, most] = logRatios.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as readonly [number, number]);
  const log = Math.log(ratio);
  if (log < least - LOG_ROUNDING || log > most + LOG_ROUNDING) {
    report(`${path}.ratio`, `${ratio} lies outside the ratios of the pairs ${Math.exp(least)} … ${Math.exp(most)}`);
  }
}

function checkRatioInterval(
  ratio: number,
  interval: Pick<Interval, "low" | "high">,
  path: string,
  report: Report,
): boolean {
  const { low, high } = interval;
  const inside = ratio >= low * (1 - LOG_ROUNDING) && ratio <= high * (1 + LOG_ROUNDING);
  if (!(low > 0)) report(`${path}.low`, `${low} is no ratio: it must be above 0`);
  else if (low > high) checkInterval(interval, path, report);
  else if (!inside) report(path, `${low} … ${high} does not hold the ratio ${ratio}`);
  return low > 0 && inside;
}

/** The word must be one that the ratio and its interval can bear. */
function checkOutcome({ outcome, ratio, interval, margin, direction }: Comparison, path: string, report: Report): void {
  const place = `${path}.outcome`;
  if (outcome === "undecided") return;
  if (outcome === "same") {
    if (Math.abs(Math.log(ratio)) > Math.log1p(margin) + LOG_ROUNDING) {
      report(place, `says same, but the ratio ${ratio} is beyond the margin ${margin}`);
    }
    return;
  }
  if (interval.low <= 1 && interval.high >= 1) report(place, `says ${outcome}, but the interval holds 1`);
  const said = ratio > 1 === (direction === "lower") ? "worse" : "better";
  if (direction !== "none" && ratio !== 1 && said !== outcome) {
    report(place, `says ${outcome}, but a ratio of ${ratio} is ${said} where ${direction} is better`);
  }
}
