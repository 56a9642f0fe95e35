import type { Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { renderCtrf } from "./ctrf.ts";
import { reportErrors } from "./errors.ts";
import { renderAnnotations } from "./github.ts";
import type { HtmlOptions } from "./html/page-model.ts";
import { renderHtml } from "./html/render-html.ts";
import { renderJson, sorted, stableJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderMarkdown } from "./markdown.ts";
import { performanceReport } from "./performance-report.ts";
import { renderSummary, type SummaryOptions } from "./text/summary.ts";
import { visibleText } from "./text/visible.ts";

export interface RenderOptions extends SummaryOptions, HtmlOptions {
  /** Of the sticky comment. @defaultValue the run's name */
  readonly name?: string;
}

/** One way to write a run and its verdict. `render` is pure: the caller writes. */
export interface Renderer {
  /** As in `mettle report RUN --NAME`. */
  readonly name: string;
  /** Of a file, without a dot. */
  readonly extension: string;
  render(run: Run, verdict: Verdict, options?: RenderOptions): string;
}

const sticky = (options: RenderOptions = {}): { readonly name?: string } =>
  options.name === undefined ? {} : { name: options.name };

/** In the order in which help lists them. */
export const renderers: readonly Renderer[] = [
  { name: "text", extension: "txt", render: renderSummary },
  { name: "md", extension: "md", render: (run, verdict, options) => renderMarkdown(run, verdict, sticky(options)) },
  {
    name: "step-summary",
    extension: "md",
    render: (run, verdict, options) => renderMarkdown(run, verdict, { ...sticky(options), target: "step-summary" }),
  },
  { name: "junit", extension: "xml", render: (run, verdict) => renderJunit(run, verdict) },
  { name: "ctrf", extension: "json", render: (run, verdict) => renderCtrf(run, verdict) },
  { name: "github", extension: "txt", render: (run, verdict) => renderAnnotations(run, verdict) },
  { name: "html", extension: "html", render: (run, verdict, options = {}) => renderHtml(run, verdict, options) },
  { name: "json", extension: "json", render: (run, verdict) => renderJson(run, verdict) },
  {
    name: "performance",
    extension: "json",
    render: (run, verdict) => stableJson(sorted(performanceReport(run, verdict), "report")),
  },
];

/** @throws MettleError `REPORT_FORMAT_UNKNOWN`, with the names there are */
export function rendererNamed(name: string): Renderer {
  const found = renderers.find((renderer) => renderer.name === name);
  if (found) return found;
  const known = renderers.map((renderer) => renderer.name);
  throw reportErrors.create(
    "REPORT_FORMAT_UNKNOWN",
    `There is no report format "${visibleText(name)}"; there are ${known.join(", ")}.`,
    { details: { name, known } },
  );
}

/** One file of a report for continuous integration. */
export interface ReportFile {
  /** Relative to the output directory. */
  readonly path: string;
  readonly content: string;
}

/**
 * What a CI job keeps and shows: the pull request comment, the test results for its own views, and the data itself. The
 * caller writes the files.
 */
export function ciReport(run: Run, verdict: Verdict, options: RenderOptions = {}): readonly ReportFile[] {
  return [
    { path: "performance_summary.md", content: renderMarkdown(run, verdict, sticky(options)) },
    { path: "performance_reports/report.html", content: renderHtml(run, verdict, options) },
    { path: "performance_reports/junit.xml", content: renderJunit(run, verdict) },
    { path: "performance_reports/ctrf.json", content: renderCtrf(run, verdict) },
    { path: "performance_reports/report.json", content: renderJson(run, verdict) },
    { path: "performance_reports/summary.txt", content: renderSummary(run, verdict, { ...options, color: false }) },
  ];
}
