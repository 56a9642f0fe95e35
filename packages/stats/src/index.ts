export {
  type ChangePoint,
  type ChangePointOptions,
  type ChangePoints,
  changePointDefaults,
  changePoints,
  type Segment,
} from "./change-points.ts";
export { type EDivisiveChange, type EDivisiveOptions, eDivisive } from "./e-divisive.ts";
export { type StatsErrorCode, statsErrors } from "./errors.ts";
export { type PeltOptions, pelt } from "./pelt.ts";
