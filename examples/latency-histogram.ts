// Records latencies in fixed memory, merges two recorders, and reads percentiles of both together.
// Prints:
//   20000 samples, p50 within 1 %: true, p99.9 within 1 %: true
import { Random } from "@mettle/core";
import { Histogram, quantile } from "@mettle/stats";

const random = new Random(1);
const latencies = Float64Array.from({ length: 20_000 }, () => 2e6 * Math.exp(random.normal() / 2));

const first = new Histogram();
const second = new Histogram();
latencies.forEach((latency, i) => (i % 2 === 0 ? first : second).record(latency));
first.merge(second);

const close = (q: number): boolean => Math.abs((first.quantile(q) ?? Number.NaN) / quantile(latencies, q) - 1) < 0.01;
console.log(`${first.count} samples, p50 within 1 %: ${close(0.5)}, p99.9 within 1 %: ${close(0.999)}`);
