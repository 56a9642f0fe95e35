import { Histogram } from "@mettle/stats";
import { traceErrors } from "./errors.ts";
import type { TraceRequest } from "./trace.ts";

export interface TokenPercentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How a recorded load arrives. What needs more requests than there are is absent. */
export interface ArrivalStatistics {
  readonly requests: number;
  readonly durationMs: number;
  readonly ratePerSecond?: number;
  /** The busiest whole second, counted from the first request. */
  readonly peakPerSecond: number;
  /** Standard deviation ÷ mean of the gaps between arrivals: 0 constant, 1 Poisson, above 1 bursty. */
  readonly coefficientOfVariation?: number;
  /** Of a gamma process with that variation: `1 / CV²`; 1 is Poisson. */
  readonly gammaShape?: number;
  /** Variance ÷ mean of the counts in whole seconds: 1 is Poisson. */
  readonly indexOfDispersion?: number;
  readonly inputTokens: TokenPercentiles;
  readonly outputTokens: TokenPercentiles;
}

/**
 * One pass in constant memory. Percentiles by nearest rank, exact up to 16 384 tokens and within 0.003 % above.
 *
 * @throws MettleError `TRACE_EMPTY`
 */
export async function arrivalStatistics(
  requests: AsyncIterable<TraceRequest> | Iterable<TraceRequest>,
): Promise<ArrivalStatistics> {
  const gaps = new Moments();
  const seconds = new Moments();
  const [input, output] = [new Histogram({ bits: 13 }), new Histogram({ bits: 13 })];
  let [count, last, second, inSecond, peak] = [0, 0, 0, 0, 0];
  for await (const { atMs, inputTokens, outputTokens } of requests) {
    if (count > 0) gaps.add(atMs - last);
    last = atMs;
    count++;
    input.record(inputTokens);
    output.record(outputTokens);
    for (const own = Math.floor(atMs / 1000); second < own; second++) {
      seconds.add(inSecond);
      inSecond = 0;
    }
    inSecond++;
    if (inSecond > peak) peak = inSecond;
  }
  if (count === 0) throw traceErrors.create("TRACE_EMPTY", "The trace has no requests.");
  seconds.add(inSecond);
  const variation = gaps.count > 1 && gaps.mean > 0 ? gaps.deviation / gaps.mean : undefined;
  return {
    requests: count,
    durationMs: last,
    ...(last > 0 && { ratePerSecond: (count / last) * 1000 }),
    peakPerSecond: peak,
    ...(variation !== undefined && { coefficientOfVariation: variation }),
    ...(variation !== undefined && variation > 0 && { gammaShape: 1 / variation ** 2 }),
    ...(seconds.count > 1 && { indexOfDispersion: seconds.variance / seconds.mean }),
    inputTokens: percentiles(input),
    outputTokens: percentiles(output),
  };
}

/** Mean and variance as values come (Welford). */
class Moments {
  count = 0;
  mean = 0;
  #squares = 0;

  add(value: number): void {
    this.count++;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.#squares += before * (value - this.mean);
  }

  /** Of the population: gaps and counts of a trace are all there are. */
  get variance(): number {
    return this.#squares / this.count;
  }

  get deviation(): number {
    return Math.sqrt(this.variance);
  }
}

const percentiles = (histogram: Histogram): TokenPercentiles => ({
  p50: histogram.quantile(0.5) ?? Number.NaN,
  p95: histogram.quantile(0.95) ?? Number.NaN,
  p99: histogram.quantile(0.99) ?? Number.NaN,
});
