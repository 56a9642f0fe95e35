export { type ReportErrorCode, reportErrors } from "./errors.ts";
export { type ColorStream, colorSupport } from "./text/color.ts";
export { type BaselineEntry, type BaselineListOptions, renderBaselines } from "./text/baselines.ts";
export { type MetricChange, renderComparison } from "./text/comparison.ts";
export { type HistoryChange, type HistoryPoint, type MetricHistory, renderHistory } from "./text/history.ts";
export { renderSummary, type SummaryOptions, type TextOptions } from "./text/summary.ts";
export { visibleText } from "./text/visible.ts";
export {
  LiveView,
  type LiveViewOptions,
  type ProgressMode,
  type ProgressStream,
  progressMode,
} from "./live/live-view.ts";
export type { ProgressEvent } from "./live/progress.ts";
