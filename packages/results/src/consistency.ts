import { histogramProblem } from "./histogram-statistic.ts";
import { measurementKey } from "./measurement-key.ts";
import { childPath, type Problem } from "./problem.ts";
import type { Comparison, Interval, Measurement, RawBlocks, Run, Series, Summary } from "./run.ts";

/** Sums of doubles round: a mean may leave [min, max] by this fraction and still be honest. */
const ROUNDING = 1e-9;
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

function checkValidity({ validity }: Run, report: Report): void {
  if (validity.state === "valid" && validity.reasons.length > 0) {
    report("$.validity.reasons", "a valid run has no reasons against it");
  }
  if (validity.state !== "valid" && validity.reasons.length === 0) {
    report("$.validity.reasons", `says ${validity.state} and gives no reason`);
  }
}

function checkMeasurement(measurement: Measurement, path: string, report: Report): void {
  const { summary, interval, histogram, series, raw, outliers, errors } = measurement;
  checkSummary(summary, `${path}.summary`, report);
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
  if (raw) checkRaw(raw, `${path}.raw`, report);
  if (outliers) {
    const labelled = outliers.lowSevere + outliers.lowMild + outliers.highMild + outliers.highSevere;
    if (labelled > summary.count) report(`${path}.outliers`, `${labelled} outliers among ${summary.count} samples`);
  }
  if (errors) {
    const kinds = Object.values(errors.kinds).reduce((total, each) => total + each, 0);
    if (kinds > errors.count)
      report(`${path}.errors.kinds`, `adds up to ${kinds}, but errors.count is ${errors.count}`);
  }
}

function checkSummary(summary: Summary, path: string, report: Report): void {
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

function checkRaw(raw: RawBlocks, path: string, report: Report): void {
  for (const [index, encoded] of raw.processes.entries()) {
    const place = `${path}.processes[${index}]`;
    const decoded = checkEncoding(encoded, place, report);
    if (!decoded) continue;
    if (decoded.length % 4 !== 0) {
      report(place, `${decoded.length} bytes are not a whole number of 4-byte values`);
      continue;
    }
    for (let at = 0; at < decoded.length; at += 4) {
      if (Number.isFinite(decoded.readFloatLE(at))) continue;
      report(place, `value ${at / 4} is ${decoded.readFloatLE(at)}`);
      break;
    }
  }
}

function checkComparison(comparison: Comparison, path: string, report: Report): void {
  checkInterval(comparison.interval, `${path}.interval`, report);
  if (comparison.logRatios.length !== comparison.pairs) {
    report(`${path}.logRatios`, `has ${comparison.logRatios.length} ratios for ${comparison.pairs} pairs`);
  }
  if (comparison.selfCheck) checkInterval(comparison.selfCheck, `${path}.selfCheck`, report);
}
