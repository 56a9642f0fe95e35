export { type ReportErrorCode, reportErrors } from "./errors.ts";
export { type ColorStream, colorSupport } from "./text/color.ts";
export { renderSummary, type SummaryOptions, type TextOptions } from "./text/summary.ts";
