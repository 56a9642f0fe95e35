import { formatChange, formatQuantity } from "@mettle/core";
import type { Measurement, Run } from "@mettle/results";
import { findSame, formatSelector } from "./selector.ts";
import type { Finding } from "./verdict.ts";

/** A fact of the document that explains a finding, and what to do about it. */
interface Cause {
  readonly evidence: string;
  readonly advice: string;
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

/**
 * Adds to a finding that is not well the causes that the run's own data show. Where the data show none, none is named.
 */
export function explain(finding: Finding, run: Run, baseline?: Run): Finding {
  if (finding.state === "passed" || finding.state === "info" || finding.metric === undefined) return finding;
  const { metric, tags = {} } = finding;
  const measurement = findSame(run, { metric, tags });
  if (!measurement) return finding;
  const causes = causesOf(finding, measurement, run, baseline);
  const advice = finding.recommendation ?? causes[0]?.advice ?? whereToLook(finding, run);
  return {
    ...finding,
    evidence: [...finding.evidence, ...causes.map(({ evidence }) => evidence)],
    ...(advice === undefined ? {} : { recommendation: advice }),
  };
}

function causesOf(finding: Finding, measurement: Measurement, run: Run, baseline: Run | undefined): Cause[] {
  // Of what is not there only failures are a reason: a slow collector or a long tail does not make a figure missing.
  if (finding.state === "no-data") return present([errorCause(measurement)]);
  const before = baseline && findSame(baseline, measurement);
  return present([
    errorCause(measurement),
    garbageCollectionCause(measurement, run, baseline),
    tagCause(measurement, run),
    isOfMedian(finding, run) ? undefined : tailCause(measurement, before),
    spreadCause(measurement, finding),
    noiseCause(measurement, run, finding),
  ]);
}

const present = (causes: readonly (Cause | undefined)[]): Cause[] => causes.filter((cause) => cause !== undefined);

/** Benchmarks compare medians, and a threshold may name one: their tail does not move it. */
const isOfMedian = ({ kind, rule }: Finding, run: Run): boolean =>
  (kind === "regression" && run.kind === "bench") || /^(?:p\(?50\)?|med(?:ian)?)\s*[<>=!]/.test(rule);

/** Of a benchmark that got worse without a cause in the data: the next thing to do. */
function whereToLook({ kind, state, unit }: Finding, run: Run): string | undefined {
  if (run.kind !== "bench" || kind !== "regression" || (state !== "failed" && state !== "warning")) return undefined;
  const flag = unit === "bytes" ? " --heap" : "";
  return `Profile both builds with \`mettle profile FILE${flag}\` and compare where the ${unit === "bytes" ? "bytes come from" : "time goes"}.`;
}

/** Failed attempts: often the reason, and always to be known first. */
function errorCause({ metric, errors, summary }: Measurement): Cause | undefined {
  if (!errors || errors.count === 0) return undefined;
  const [kind, count] = Object.entries(errors.kinds).sort(([, a], [, b]) => b - a)[0] ?? ["unknown", errors.count];
  const share = errors.count / (errors.count + summary.count);
  return {
    evidence: `${errors.count} attempts failed (${percent(share)}), mostly ${kind} (${count})`,
    advice: `Start with the failures of ${metric}: ${percent(share)} of the attempts failed, mostly ${kind}.`,
  };
}

/**
 * The share of an operation's time that garbage collection took: what the benchmark runner reports as
 * `….gc-pause` (time per operation) with the same tags, over this one's mean.
 */
function garbageCollectionCause(measurement: Measurement, run: Run, baseline: Run | undefined): Cause | undefined {
  const share = garbageCollectionShare(measurement, run);
  if (share === undefined || share < 0.1) return undefined;
  const before = baseline ? garbageCollectionShare(measurement, baseline) : undefined;
  const was = before === undefined ? "" : `, ${percent(before)} in the baseline`;
  if (share > 1) {
    const fact = "while allocations were counted, collecting took longer than the operation does";
    return {
      evidence: fact,
      advice: `Cut allocation in ${measurement.metric}: ${fact}; \`mettle profile FILE --heap\` shows where.`,
    };
  }
  return {
    evidence: `garbage collection takes ${percent(share)} of the time${was}`,
    advice: `Cut allocation in ${measurement.metric}: garbage collection takes ${percent(share)} of its time${was}; \`mettle profile FILE --heap\` shows where.`,
  };
}

export function garbageCollectionShare({ metric, tags, unit }: Measurement, run: Run): number | undefined {
  if (unit !== "ns") return undefined;
  const operation = /^(.*)\.(?:time|duration|latency)$/.exec(metric)?.[1];
  if (operation === undefined) return undefined;
  const pause = findSame(run, { metric: `${operation}.gc-pause`, tags })?.summary.mean;
  const mean = findSame(run, { metric, tags })?.summary.mean;
  return pause !== undefined && mean !== undefined && mean > 0 ? pause / mean : undefined;
}

/** Parts of a whole: when one tag's share of all the time is more than half, the whole is that part's affair. */
function tagCause(measurement: Measurement, run: Run): Cause | undefined {
  if (measurement.unit !== "ns") return undefined;
  const own = Object.keys(measurement.tags);
  const finer = run.measurements.filter(
    ({ metric, tags }) =>
      metric === measurement.metric &&
      Object.keys(tags).length === own.length + 1 &&
      own.every((name) => tags[name] === measurement.tags[name]),
  );
  const names = new Set(finer.flatMap(({ tags }) => Object.keys(tags).filter((name) => !own.includes(name))));
  for (const name of names) {
    const parts = finer
      .filter(({ tags }) => tags[name] !== undefined)
      .map((part) => ({
        part,
        total: part.summary.mean === undefined ? Number.NaN : part.summary.mean * part.summary.count,
      }));
    const all = parts.reduce((sum, { total }) => sum + total, 0);
    const [largest] = parts.sort((a, b) => b.total - a.total);
    // One missing mean makes the sum NaN, and a share of an unknown whole is not known.
    if (!largest || parts.length < 2 || !(largest.total / all > 0.5)) continue;
    const share = percent(largest.total / all);
    return {
      evidence: `${share} of the total time is ${name}=${largest.part.tags[name]}`,
      advice: `Look at ${formatSelector(largest.part)} first: it holds ${share} of the total time.`,
    };
  }
  return undefined;
}

/** A tail far from the middle is waiting (a queue, a pause, a retry), not work. */
function tailCause({ metric, unit, summary }: Measurement, before: Measurement | undefined): Cause | undefined {
  const { p50, p99 } = summary;
  if (unit !== "ns" || p50 === undefined || p99 === undefined || !(p50 > 0) || p99 / p50 < 10) return undefined;
  const [was50, was99] = [before?.summary.p50, before?.summary.p99];
  const was = was50 && was99 ? ` (${(was99 / was50).toFixed(1)} times in the baseline)` : "";
  const times = (p99 / p50).toFixed(1);
  return {
    evidence: `p99 ${formatQuantity(p99, unit)} is ${times} times the median ${formatQuantity(p50, unit)}${was}`,
    advice: `The slow part of ${metric} is its tail, ${times} times the median: look for waiting (queues, pauses, retries) rather than for slow code.`,
  };
}

/** An interval too wide to decide narrows with the square root of the pairs. */
function spreadCause(measurement: Measurement, { state, change }: Finding): Cause | undefined {
  if (state !== "undecided" || change?.low === undefined || change.high === undefined) return undefined;
  const halfWidth = Math.log(change.high / change.low) / 2;
  const effect = Math.abs(Math.log(change.ratio));
  if (!(effect > 0) || !(halfWidth > effect)) return undefined;
  const factor = (halfWidth / effect) ** 2;
  if (factor > 100) return undefined;
  return {
    evidence: `the interval reaches ± ${formatChange(halfWidth).replace("+", "")}, the change is ${formatChange(change.ratio - 1)}`,
    advice: `To decide ${formatSelector(measurement)} take about ${factor.toFixed(factor < 10 ? 1 : 0)} times as many samples.`,
  };
}

/**
 * A machine that was taken away while it measured makes undecided what code did not. Not so where pairs cancelled the
 * machine and decided, nor for bare figures: those stay without an interval on any machine.
 */
function noiseCause(measurement: Measurement, run: Run, { state, kind, change }: Finding): Cause | undefined {
  const { noise } = run.environment;
  if (!noise || (kind !== "regression" && state !== "undecided")) return undefined;
  if (state === "undecided" ? change?.low === undefined : isPaired(measurement, run)) return undefined;
  const wait = noise.cpuWaitShare ?? 0;
  if (noise.interruptedShare < 0.05 && wait < 0.05) return undefined;
  const fact =
    wait >= noise.interruptedShare
      ? `the process waited for a processor ${percent(wait)} of the time`
      : `the machine was interrupted in ${percent(noise.interruptedShare)} of the probe's samples`;
  return { evidence: fact, advice: `Measure again on a quieter machine: ${fact}.` };
}

const isPaired = (measurement: Measurement, { comparisons = [] }: Run): boolean =>
  comparisons.some((comparison) => formatSelector(comparison) === formatSelector(measurement));

/** What to do, in the order of the findings, each thing once. */
export function recommendationsOf(findings: readonly Finding[]): readonly string[] {
  return [...new Set(findings.flatMap(({ recommendation }) => (recommendation === undefined ? [] : [recommendation])))];
}
