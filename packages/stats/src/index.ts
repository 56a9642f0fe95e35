export { autocorrelation, effectiveSampleSize, lagOneAutocorrelation } from "./autocorrelation.ts";
export {
  type ChangePoint,
  type ChangePointOptions,
  type ChangePoints,
  changePointDefaults,
  changePoints,
  type Segment,
} from "./change-points.ts";
export {
  type Complexity,
  type ComplexityModel,
  type ComplexityOptions,
  fitComplexity,
  type Growth,
  growths,
} from "./complexity.ts";
export { type EDivisiveChange, type EDivisiveOptions, eDivisive } from "./e-divisive.ts";
export { type StatsErrorCode, statsErrors } from "./errors.ts";
export {
  type LinearTrend,
  type LinearTrendOptions,
  linearTrend,
  type Projection,
  projection,
} from "./least-squares.ts";
export { type MannKendall, type MannKendallOptions, mannKendall } from "./mann-kendall.ts";
export { type PeltOptions, pelt } from "./pelt.ts";
export {
  type Estimate,
  fitScalability,
  type Peak,
  type Scalability,
  type ScalabilityOptions,
  throughputAt,
} from "./scalability.ts";
export { type Steady, type SteadyOptions, steadyDefaults, steadyFrom } from "./steady.ts";
export { type TheilSen, type TheilSenOptions, theilSen } from "./theil-sen.ts";
