// Finds since when a series of measurements runs at another level, with one outlier on the way that means nothing.
// Prints:
//   1 change in 60 runs
//   since run 35: 101 -> 112
import { Random } from "@mettle/core";
import { changePoints } from "@mettle/stats";

const random = new Random(7);
const series = Array.from({ length: 60 }, (_, run) => (run < 35 ? 100 : 112) + 2 * random.normal());
series[12] = 180;

const { points } = changePoints(series);
console.log(`${points.length} change in ${series.length} runs`);
for (const { index, before, after } of points) {
  console.log(`since run ${index}: ${Math.round(before)} -> ${Math.round(after)}`);
}
