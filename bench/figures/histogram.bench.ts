// One recording into the histogram, beside the least that keeping a sample can cost: a store into an array.
import { bench, suite } from "@mettle/bench";
import { Histogram } from "@mettle/stats";

const histogram = new Histogram();
const limited = new Histogram({ limits: [200_000_000] });
const kept = new Float64Array(1024);
const values = Float64Array.from({ length: 1024 }, (_, n) => Math.round(1000 * 1.012 ** n));
let i = 0;

suite("histogram", () => {
  bench("store in an array", () => {
    kept[i & 1023] = values[i++ & 1023] as number;
  });
  bench("record", () => {
    histogram.record(values[i++ & 1023] as number);
  });
  bench("record with one exact limit", () => {
    limited.record(values[i++ & 1023] as number);
  });
});
