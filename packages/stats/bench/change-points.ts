/**
 * S1-001, S3-027. False alarms and steps found of the change-point detectors on four families of noise, 200 values each.
 * Exits with 1 when `changePoints` misses a goal of ours: 2 % false alarms, 95 % found (AR(1): 80 %), 10 000 values
 * in a second.
 * Run: node -C mettle-source packages/stats/bench/change-points.ts [series per cell] [series per cell of E-divisive]
 */
import { Random } from "@mettle/core";
import { changePoints, eDivisive, pelt } from "@mettle/stats";
import { noiseFamilies, seriesWithStep } from "../test/noise-families.ts";

const seriesPerCell = Number(process.argv[2] ?? 2000);
const slowSeriesPerCell = Number(process.argv[3] ?? 100);
const n = 200;
const near = 5;
const stepSize = 2.5;

interface Detector {
  readonly name: string;
  readonly series: number;
  find(values: Float64Array): readonly number[];
}

const detectors: readonly Detector[] = [
  { name: "changePoints", series: seriesPerCell, find: (values) => changePoints(values).points.map((p) => p.index) },
  { name: "PELT, BIC", series: seriesPerCell, find: (values) => pelt(values, { penalty: "bic" }) },
  { name: "PELT, MBIC", series: seriesPerCell, find: (values) => pelt(values) },
  {
    name: "E-divisive, p < 0.01",
    series: slowSeriesPerCell,
    find: (values) => eDivisive(values, { significance: 0.01 }).map((change) => change.index),
  },
];

const missed: string[] = [];
const percent = (count: number, of: number): string => `${((100 * count) / of).toFixed(2)} %`.padStart(9);

console.log(`n = ${n}; step ${stepSize} sd at a uniform position in 30 … 170; found: a change within ${near} points.`);
console.log("detector              noise          series  false alarm      found  found, alone  µs a series");
for (const detector of detectors) {
  for (const [seed, family] of noiseFamilies.entries()) {
    const random = new Random(1000 + seed);
    let flagged = 0;
    let found = 0;
    let exact = 0;
    const started = process.hrtime.bigint();
    for (let i = 0; i < detector.series; i++) {
      if (detector.find(seriesWithStep(family, n, n, 0, random)).length > 0) flagged += 1;
      const at = 30 + random.below(141);
      const changes = detector.find(seriesWithStep(family, n, at, stepSize, random));
      if (changes.some((index) => Math.abs(index - at) <= near)) {
        found += 1;
        if (changes.length === 1) exact += 1;
      }
    }
    if (detector.name === "changePoints") {
      const foundGoal = family.name.startsWith("AR") ? 0.8 : 0.95;
      if (flagged > 0.02 * detector.series) missed.push(`${family.name}: false alarms`);
      if (found < foundGoal * detector.series) missed.push(`${family.name}: steps found`);
    }
    const micros = Number(process.hrtime.bigint() - started) / 1000 / (2 * detector.series);
    console.log(
      `${detector.name.padEnd(21)} ${family.name.padEnd(13)} ${String(detector.series).padStart(7)}    ` +
        `${percent(flagged, detector.series)}  ${percent(found, detector.series)}     ` +
        `${percent(exact, detector.series)}  ${micros.toFixed(0).padStart(11)}`,
    );
  }
}

for (const step of [0, 3]) {
  const random = new Random(7);
  const family = noiseFamilies[0];
  if (!family) throw new Error("no noise family");
  const values = family.make(10_000, random).map((noise, i) => noise + step * (Math.floor(i / 500) % 2));
  const started = process.hrtime.bigint();
  const { points } = changePoints(values);
  const millis = Number(process.hrtime.bigint() - started) / 1e6;
  console.log(
    `10 000 values, ${step === 0 ? "no change" : "19 steps of 3 sd"}: ${points.length} found in ${millis.toFixed(0)} ms`,
  );
  if (millis > 1000) missed.push("10 000 values in a second");
}

console.log(missed.length === 0 ? "All goals met." : `Missed: ${missed.join("; ")}.`);
process.exitCode = missed.length === 0 ? 0 : 1;
