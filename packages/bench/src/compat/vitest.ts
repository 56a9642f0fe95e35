// What a benchmark file written for vitest imports from it. Options of vitest that steer its own sampling (time,
// iterations, warmup…) are accepted and have no effect: Mettle decides when it has seen enough.
export { afterAll, beforeAll, bench, suite as describe, suite } from "../authoring.ts";
