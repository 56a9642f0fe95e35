import type { Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { reportErrors } from "../errors.ts";
import { reportSchema, sorted } from "../json.ts";
import { omit } from "../omit.ts";
import { html } from "./html.ts";
import { pageMarkup } from "./page.ts";
import { type HtmlOptions, type PageModel, pageModel } from "./page-model.ts";
import { caseDetails, casesSection } from "./sections/bench.ts";
import {
  environmentSection,
  othersSection,
  requirementsSection,
  resourcesSection,
  validitySection,
} from "./sections/evidence.ts";
import { headlineOf, headlineText, headMarkup } from "./sections/head.ts";
import { historySection, regressionsSection } from "./sections/history.ts";
import { loadCharts, operationDetails, operationsSection } from "./sections/load.ts";
import { overview } from "./sections/overview.ts";
import { rulesSection } from "./sections/rules.ts";

/** A browser still filters so many rows within a twentieth of a second; a page of more would help nobody. */
export const HTML_MEASUREMENTS = 20_000;
/** Of all series together: what is read and drawn takes about a second. */
export const HTML_SERIES_VALUES = 20_000_000;

/**
 * The whole report as one page in one file: the verdict and why, then everything measured. Complete without scripts;
 * loads nothing. Equal input gives an equal page.
 *
 * @param verdict - undefined when nothing judged the run; the page then claims nothing
 * @throws MettleError `REPORT_TOO_LARGE`, `REPORT_NUMBER_INVALID`, `REPORT_TIME_INVALID`
 */
export function renderHtml(run: Run, verdict: Verdict | undefined, options: HtmlOptions = {}): string {
  checkSize(run);
  const model = pageModel(run, verdict, options);
  const headline = headlineOf(model);
  return pageMarkup({
    title: `${headlineText(headline)} · ${run.name}`,
    status: headline.status,
    head: headMarkup(model),
    opening: html`${overview(model)}${loadCharts(model)}`,
    sections: sectionsOf(model),
    data: machineData(run, verdict),
  });
}

function sectionsOf(model: PageModel) {
  const isLoad = model.operations.length > 0;
  const measured = [operationsSection(model), casesSection(model)];
  // What the run is about comes first; what it did not measure says so further down.
  const [first, second] = isLoad ? measured : measured.toReversed();
  return [
    first,
    rulesSection(model),
    isLoad ? operationDetails(model) : caseDetails(model),
    second,
    regressionsSection(model),
    historySection(model),
    requirementsSection(model),
    resourcesSection(model),
    othersSection(model),
    validitySection(model),
    environmentSection(model),
  ].filter((each) => each !== undefined);
}

/** @throws MettleError `REPORT_TOO_LARGE` */
function checkSize({ measurements }: Run): void {
  const values = measurements.reduce(
    (sum, { series }) => sum + (series ? series.atMs.length * Object.keys(series.values).length : 0),
    0,
  );
  const refuse = (what: string, count: number, most: number): Error =>
    reportErrors.create("REPORT_TOO_LARGE", `The run has ${count} ${what}; a page shows ${most} at most.`, {
      details: { what, count, most },
    });
  if (measurements.length > HTML_MEASUREMENTS) throw refuse("measurements", measurements.length, HTML_MEASUREMENTS);
  if (values > HTML_SERIES_VALUES) throw refuse("values over time", values, HTML_SERIES_VALUES);
}

/**
 * Run and verdict for machines, without what only serves drawing: samples, histograms and series are in the run's own
 * file. The run in it is a valid run document.
 */
function machineData(run: Run, verdict: Verdict | undefined): unknown {
  const { comparisons, ...rest } = run;
  const slim = {
    ...rest,
    measurements: run.measurements.map((each) => omit(each, "raw", "histogram", "series")),
    ...(comparisons && { comparisons: comparisons.map((each) => ({ ...each, logRatios: [] })) }),
  };
  return {
    schema: reportSchema,
    run: sorted(slim, "run"),
    ...(verdict && { verdict: sorted(verdict, "verdict") }),
    leftOut: ["measurements[].raw", "measurements[].histogram", "measurements[].series", "comparisons[].logRatios"],
  };
}
