import { fileURLToPath } from "node:url";
import { encodeRun, type Measurement } from "@mettle/results";
import { expect } from "vitest";
import { type BenchPlan, type BenchResult, type MeasureOptions, measureBenchmarks } from "../src/index.ts";

/** Enough to have numbers, and no more: nothing here is judged by its time. */
export const tiny: Partial<BenchPlan> = { secondsPerSuite: 0.5, minProcesses: 2, maxProcesses: 3, memory: false };

export const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}.bench.ts`, import.meta.url));

export interface Measured extends Awaited<ReturnType<typeof measureBenchmarks>> {
  /** The first measurement of a case. */
  of(title: string): Measurement;
  /** The code of what went wrong with a case, or with a file by the end of its name. */
  codeOf(where: string): string | undefined;
}

/** Measures fixtures, and checks that the run document is one that a reader accepts. */
export async function measured(
  names: string | readonly string[],
  options: Partial<MeasureOptions> = {},
): Promise<Measured> {
  const files = [names].flat().map(fixture);
  const done = await measureBenchmarks({
    name: "test",
    files,
    cwd: import.meta.dirname,
    plan: tiny,
    seed: 1,
    ...options,
  });
  encodeRun(done.run);
  return {
    ...done,
    of: (title) => {
      const found = done.result.measurements.find(({ tags }) => tags["case"] === title);
      if (!found) throw new Error(`no measurement of ${title}`);
      return found;
    },
    codeOf: (where) => problemsWith(done.result, where)[0]?.code,
  };
}

export const problemsWith = ({ problems }: BenchResult, where: string): BenchResult["problems"] =>
  problems.filter(({ message }) => message.split(":", 1)[0]?.replaceAll('"', "").endsWith(where));

export function expectNumbers(measurement: Measurement): void {
  expect(measurement.summary.count).toBeGreaterThan(0);
  expect(Number.isFinite(measurement.summary.p50)).toBe(true);
  expect(measurement.errors).toBeUndefined();
}
