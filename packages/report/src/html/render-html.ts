import type { Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { html } from "./html.ts";
import { checkSize, machineData } from "./machine-data.ts";
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
import { profilesSection } from "./sections/profiles.ts";
import { platformsSection } from "./sections/platforms.ts";
import { rulesSection } from "./sections/rules.ts";
import type { Section } from "./sections/section.ts";

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

function sectionsOf(model: PageModel): readonly Section[] {
  const isLoad = model.operations.length > 0;
  const measured = [operationsSection(model), casesSection(model)];
  // What the run is about comes first; what it did not measure says so further down.
  const [first, second] = isLoad ? measured : measured.toReversed();
  return [
    platformsSection(model),
    first,
    rulesSection(model),
    isLoad ? operationDetails(model) : caseDetails(model),
    profilesSection(model.profiles),
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
