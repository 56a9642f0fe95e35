export {
  budgetBar,
  type ChartLine,
  type Content,
  explanations,
  figureCell,
  formatClock,
  formatShare,
  type HeatColumn,
  type HeatMap,
  heatMap,
  html,
  info,
  type LimitLine,
  limitLine,
  Markup,
  name,
  nothing,
  type PhaseBand,
  scrollable,
  sparkChart,
  type TimeChart,
  timeChart,
  type TimeGap,
} from "./charts.ts";
export { renderCtrf } from "./ctrf.ts";
export { type ReportErrorCode, reportErrors } from "./errors.ts";
export { type FlameGraphOptions, renderFlameGraph } from "./flame-graph.ts";
export type { FlameNode, FlameUnit } from "./flame-layout.ts";
export { renderAnnotations } from "./github.ts";
export { pageIcon, pageStyle } from "./html/page.ts";
export type { HtmlOptions } from "./html/page-model.ts";
export { type Candidate, renderComparisonHtml } from "./html/render-comparison.ts";
export { renderFlamePage } from "./html/render-flame.ts";
export type { HistoryLinks } from "./html/history-links.ts";
export { type HistoryPageOptions, renderHistoryHtml } from "./html/render-history.ts";
export { renderMessageHtml } from "./html/render-message.ts";
export { renderMetricHtml } from "./html/render-metric.ts";
export { renderHtml } from "./html/render-html.ts";
export { renderJson, reportSchema } from "./json.ts";
export { renderJunit } from "./junit.ts";
export {
  LiveView,
  type LiveViewOptions,
  type ProgressMode,
  progressMode,
} from "./live/live-view.ts";
export { type LoadOperation, type LoadProgress, loadPlainLine, renderLoadFrame } from "./live/load-frame.ts";
export type { PageProfile } from "./html/sections/profiles.ts";
export type { ProgressStream } from "./live/frame-painter.ts";
export { LoadView } from "./live/load-view.ts";
export type { ProgressEvent } from "./live/progress.ts";
export { COMMENT_CHARACTERS, type MarkdownOptions, renderMarkdown, STEP_SUMMARY_BYTES } from "./markdown.ts";
export { stickyMarker } from "./markdown-text.ts";
export { type PerformanceReport, performanceReport } from "./performance-report.ts";
export { chartNamed, type PageChart, pageCharts } from "./png/page-charts.ts";
export { type PngOptions, type RenderedPng, renderPng } from "./png/render-png.ts";
export { ciReport, type Renderer, type RenderOptions, type ReportFile, rendererNamed, renderers } from "./renderers.ts";
export { type BaselineEntry, type BaselineListOptions, renderBaselines } from "./text/baselines.ts";
export { type ColorStream, colorSupport } from "./text/color.ts";
export { type MetricChange, renderComparison } from "./text/comparison.ts";
export { type HistoryChange, type HistoryPoint, type MetricHistory, renderHistory } from "./text/history.ts";
export { type Remark, renderSummary, type SummaryOptions, type TextOptions } from "./text/summary.ts";
export { visibleText } from "./text/visible.ts";
