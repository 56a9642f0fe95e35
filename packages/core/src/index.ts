export { type Clock, ManualClock, systemClock } from "./clock.ts";
export { coreErrors } from "./core-errors.ts";
export {
  defineErrors,
  type ErrorCatalogue,
  type ErrorDefinition,
  type ExitCode,
  exitCodes,
  MettleError,
  type MettleErrorOptions,
  messageOf,
} from "./errors.ts";
export { timeOrderedId } from "./ids.ts";
export {
  formatChange,
  formatQuantity,
  isNeverNegative,
  parseDurationMs,
  parseQuantity,
  type Quantity,
} from "./quantity.ts";
export { Random } from "./random.ts";
export {
  type Bytes,
  bytes,
  type MetricUnit,
  type Milliseconds,
  metricUnits,
  ms,
  msFromNs,
  type Nanoseconds,
  ns,
  nsFromMs,
} from "./units.ts";
