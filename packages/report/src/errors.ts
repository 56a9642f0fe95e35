import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type ReportErrorCode =
  | "REPORT_FORMAT_UNKNOWN"
  | "REPORT_TIME_INVALID"
  | "REPORT_NUMBER_INVALID"
  | "REPORT_LIMIT_INVALID"
  | "REPORT_TOO_LARGE"
  | "REPORT_CHART_UNKNOWN"
  | "REPORT_PNG_UNAVAILABLE"
  | "FLAME_TREE_INVALID";

export const reportErrors: ErrorCatalogue<ReportErrorCode> = defineErrors({
  REPORT_FORMAT_UNKNOWN: { next: "Choose one of the formats that the message lists.", exitCode: exitCodes.usage },
  REPORT_TIME_INVALID: {
    next: "Write times as ISO 8601 with a zone, such as 2026-11-21T08:07:00Z.",
    exitCode: exitCodes.usage,
  },
  REPORT_NUMBER_INVALID: {
    next: "Leave out what was not measured; NaN and infinity are not measurements and JSON cannot carry them.",
    exitCode: exitCodes.internal,
  },
  REPORT_LIMIT_INVALID: { next: "Allow at least the room that the message names.", exitCode: exitCodes.usage },
  REPORT_TOO_LARGE: {
    next: "Report a part of it (mettle bench --filter, fewer tags in the load script), or read it with mettle report --csv or --json.",
    exitCode: exitCodes.usage,
  },
  REPORT_CHART_UNKNOWN: {
    next: "Name one of the charts that the message lists, or a part of its title that no other has.",
    exitCode: exitCodes.usage,
  },
  REPORT_PNG_UNAVAILABLE: {
    next: "Install what paints (npm install @napi-rs/canvas), or open the page in a browser and save the chart from there.",
    exitCode: exitCodes.usage,
  },
  FLAME_TREE_INVALID: {
    next: "Build the tree so that a node's total is its self plus the totals of its children.",
    exitCode: exitCodes.internal,
  },
});
