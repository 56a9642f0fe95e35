import { formatQuantity } from "@mettle/core";
import { compareEnvironments, type Measurement, type Run } from "@mettle/results";
import { subjectText } from "../cases.ts";
import { sorted } from "../json.ts";
import { formatRevision, formatTime } from "../provenance.ts";
import { comparedFigure } from "../text/compared-figure.ts";
import type { MetricChange } from "../text/comparison.ts";
import { operationMetrics } from "../text/load-tables.ts";
import { counted, outcomeWord } from "../text/words.ts";
import { distributionChart } from "./charts/distribution.ts";
import { forestBar, forestReach, forestText } from "./charts/forest.ts";
import { percentileChart } from "./charts/percentiles.ts";
import { valuesOf } from "./charts/samples.ts";
import { info } from "./glossary.ts";
import { type Content, html, type Markup, nothing } from "./html.ts";
import { checkSize, slimRun } from "./machine-data.ts";
import { operationsOf } from "./operations.ts";
import { pageMarkup } from "./page.ts";
import { tagKey } from "./page-model.ts";
import { latencyChart, timesOf } from "./sections/load.ts";
import { absentSection, figureCell, name, type Section, scrollable, section } from "./sections/section.ts";

/** A run beside the baseline, with what the judge computed for each metric that could be compared. */
export interface Candidate {
  readonly run: Run;
  readonly changes: readonly MetricChange[];
}

/** Metrics whose distributions are drawn over each other; the figures of the others are in the table. */
const DRAWN = 40;
const CHARTED = 12;
const outcomeOrder: readonly (string | undefined)[] = ["worse", "undecided", "better", "same", undefined];

interface Row {
  readonly key: string;
  readonly before: Measurement;
  /** One for each candidate. */
  readonly sides: readonly {
    readonly after: Measurement | undefined;
    readonly change: MetricChange["change"] | undefined;
  }[];
}

/**
 * Two or more runs side by side in one page: what became worse or better, by how much, and how far that can be believed.
 * A metric that could not be compared shows its values and no claim.
 *
 * @param baseline - what the others are compared with
 * @throws MettleError `REPORT_TOO_LARGE`, `REPORT_NUMBER_INVALID`, `REPORT_TIME_INVALID`
 */
export function renderComparisonHtml(baseline: Run, candidates: readonly Candidate[]): string {
  for (const run of [baseline, ...candidates.map((each) => each.run)]) checkSize(run);
  const rows = rowsOf(baseline, candidates);
  const head = headOf(baseline, candidates, rows);
  return pageMarkup({
    title: `${head.text} · ${baseline.name}`,
    status: head.status,
    head: head.markup,
    opening: html`${sidesPanel(baseline, candidates)}`,
    sections: [
      metricsSection(rows, candidates, baseline.kind),
      overTimeSection(baseline, candidates),
      detailsSection(rows, candidates),
      environmentsSection(baseline, candidates),
      onlySection(baseline, candidates),
    ].filter((each) => each !== undefined),
    data: {
      schema: "mettle.comparison-report/1",
      baseline: sorted(slimRun(baseline), "baseline"),
      candidates: candidates.map(({ run, changes }, i) => ({
        run: sorted(slimRun(run), `candidates[${i}].run`),
        changes: sorted(changes, `candidates[${i}].changes`),
      })),
    },
  });
}

function rowsOf(baseline: Run, candidates: readonly Candidate[]): readonly Row[] {
  const sides = candidates.map(({ run, changes }) => ({
    measured: new Map(run.measurements.map((each) => [tagKey(each.metric, each.tags), each])),
    changes: new Map(changes.map(({ metric, tags, change }) => [tagKey(metric, tags), change])),
  }));
  const rank = ({ sides: all }: Row): number =>
    Math.min(...all.map(({ change }) => outcomeOrder.indexOf(change?.outcome)));
  const size = ({ sides: all }: Row): number =>
    Math.max(...all.map(({ change }) => (change ? Math.abs(Math.log(change.ratio)) : 0)));
  return baseline.measurements
    .map((before): Row => {
      const key = tagKey(before.metric, before.tags);
      return {
        key,
        before,
        sides: sides.map((side) => ({ after: side.measured.get(key), change: side.changes.get(key) })),
      };
    })
    .filter((row) => row.sides.some(({ after }) => after !== undefined))
    .toSorted((a, b) => rank(a) - rank(b) || size(b) - size(a) || weight(a) - weight(b));
}

/** Among equals, what users feel comes first. */
const weight = ({ before }: Row): number =>
  operationMetrics.includes(before.metric)
    ? operationMetrics.indexOf(before.metric)
    : before.metric.endsWith("_failed")
      ? 10
      : 20;

const letter = (index: number): string => (index < 25 ? String.fromCodePoint(66 + index) : `B${index + 1}`);

function headOf(baseline: Run, candidates: readonly Candidate[], rows: readonly Row[]) {
  const all = rows.flatMap(({ sides }) => sides.map(({ change }) => change?.outcome));
  const count = (outcome: string | undefined): number => all.filter((each) => each === outcome).length;
  const parts = [
    `${count("worse")} worse`,
    `${count("better")} better`,
    `${count("same")} the same`,
    `${count("undecided")} can't be told`,
    ...(count(undefined) > 0 ? [`${count(undefined)} without a comparison`] : []),
  ];
  const invalid = [baseline, ...candidates.map(({ run }) => run)].filter(
    ({ validity }) => validity.state === "invalid",
  );
  const [status, word] =
    invalid.length > 0
      ? (["invalid", "INVALID"] as const)
      : count("worse") > 0
        ? (["warning", "WORSE"] as const)
        : (["measured", count("better") > 0 ? "BETTER" : "COMPARED"] as const);
  const sentence =
    invalid.length > 0
      ? `${invalid.length === 1 ? "a run" : "runs"} of this comparison cannot be believed: ${invalid[0]?.validity.reasons[0] ?? "no reason given"}`
      : `${counted(rows.length, "metric")}: ${parts.join(", ")}`;
  const others = candidates.map(({ run }) => run.name).join(", ");
  const markup = html`<header class="head ${status}"><h1><span class="verdict">${word}</span> <span class="sentence">${sentence}</span></h1><p class="facts"><strong>${name(others)}</strong> against <strong>${name(baseline.name)}</strong>${invalid.length > 0 && html` <span class="dot">·</span> ${parts.join(", ")}`}</p></header>`;
  return { status, markup, text: `${word}: ${sentence}` };
}

/** Who is compared, and what makes it hard. */
function sidesPanel(baseline: Run, candidates: readonly Candidate[]): Markup {
  const side = (label: string, { name: own, revision, startedAt, environment, validity, id }: Run): Markup =>
    html`<tr><th scope="row">${label}</th><td><strong>${name(own)}</strong></td><td>${revision ? name(formatRevision(revision)) : html`<span class="absent">no revision</span>`}</td><td>${formatTime(startedAt)}</td><td>${environment.cpu.cores} × ${name(environment.cpu.model.trim())} <code>${environment.fingerprint}</code></td><td><strong class="state ${validity.state}">${validity.state.toUpperCase()}</strong>${validity.reasons[0] !== undefined && html` ${name(validity.reasons[0])}`}</td><td><code>${id}</code></td></tr>`;
  const others = candidates.filter(({ run }) => run.environment.fingerprint !== baseline.environment.fingerprint);
  return html`<section class="panel sides" aria-labelledby="sides"><h2 id="sides">Who is compared</h2>${scrollable("Who is compared", html`<table><thead><tr><th scope="col"></th><th scope="col">run</th><th scope="col">revision</th><th scope="col">began</th><th scope="col">machine</th><th scope="col">measurement ${info("validity")}</th><th scope="col">id</th></tr></thead><tbody>${side("A, baseline", baseline)}${candidates.map(({ run }, i) => side(letter(i), run))}</tbody></table>`)}${others.length > 0 && html`<p class="warn">! Different machines or limits: times are not comparable, counts and bytes may be.</p>`}</section>`;
}

function metricsSection(rows: readonly Row[], candidates: readonly Candidate[], kind: Run["kind"]): Section {
  const title = "Metrics";
  if (rows.length === 0) return absentSection("metrics", title, "The runs have no metric in common.");
  const reach = forestReach(rows.flatMap(({ sides }) => sides.flatMap(({ change }) => (change ? [change] : []))));
  const table = html`<table class="sortable" data-filter><thead><tr><th scope="col">metric</th><th scope="col" class="n">A</th>${candidates.map((_, i) => html`<th scope="col" class="n">${letter(i)}</th><th scope="col">change${candidates.length > 1 && ` ${letter(i)} vs A`} ${i === 0 && info("change")}</th>`)}</tr></thead><tbody>${rows.map((row, i) => metricRow(row, i, reach, kind))}</tbody></table>`;
  return section("metrics", title, scrollable("Metrics", table));
}

function metricRow({ before, sides }: Row, index: number, reach: number, kind: Run["kind"]): Markup {
  const { label, unit, of } = comparedFigure(before, kind);
  const value = (measurement: Measurement | undefined): Markup => {
    const figure = of(measurement);
    return figureCell(figure, figure === undefined ? "" : formatQuantity(figure, unit));
  };
  const cells = sides.map(
    ({ after, change }): Content => [
      value(after),
      change
        ? html`<td class="forest" data-v="${Number(change.ratio.toPrecision(6))}">${forestBar(change, reach)} <span class="outcome ${change.outcome}">${forestText(change)} ${outcomeWord(change.outcome, before.unit)}</span></td>`
        : html`<td class="none" data-v="">${after ? "no ratio" : "not measured"}</td>`,
    ],
  );
  const text = name(subjectText(before.metric, before.tags));
  return html`<tr data-row="case-${index}"><th scope="row">${isDrawn(index, before) ? html`<a class="open" href="#case-${index}">${text}</a>` : text}${label !== "" && html` <span class="dim">${label}</span>`}</th>${value(before)}${cells}</tr>`;
}

const isDrawn = (index: number, before: Measurement): boolean => index < DRAWN && valuesOf(before) !== undefined;

/** The distributions over each other. */
function detailsSection(rows: readonly Row[], candidates: readonly Candidate[]): Section | undefined {
  const drawn = rows.map((row, index) => ({ ...row, index })).filter(({ before, index }) => isDrawn(index, before));
  if (drawn.length === 0) return undefined;
  return section(
    "distributions",
    "Distributions",
    html`${drawn.map(({ before, sides, index }) => html`<details class="detail" id="case-${index}"><summary><h3>${name(subjectText(before.metric, before.tags))}</h3></summary><div class="grid-charts">${sides.map(({ after }, i) => overlay(before, after, candidates.length > 1 ? letter(i) : "B"))}</div></details>`)}`,
  );
}

function overlay(before: Measurement, after: Measurement | undefined, label: string): Content {
  const [old, values] = [valuesOf(before), after && valuesOf(after)];
  if (!old || !values) return html`<p class="absent">${label}: no distribution in the run.</p>`;
  const chart = { unit: before.unit, values, label, baseline: { values: old, label: "A" } };
  return html`${distributionChart(chart)}${percentileChart(chart)}`;
}

/** The same operation in each run, over the same stretch of time. */
function overTimeSection(baseline: Run, candidates: readonly Candidate[]): Section | undefined {
  const runs = [baseline, ...candidates.map(({ run }) => run)];
  const toMs = Math.max(...runs.map(({ durationMs }) => durationMs));
  const known = runs.map((run) => ({ run, operations: operationsOf(run, []) }));
  const names = (known[0]?.operations ?? []).map((operation) => operation.name).slice(0, CHARTED);
  const charts = names.map((wanted) => {
    const each = known.map(({ run, operations }, i) => {
      const operation = operations.find((other) => other.name === wanted);
      const label = i === 0 ? "A" : letter(i - 1);
      return operation
        ? latencyChart({ ...operation, name: `${label} ${operation.name}` }, { ...timesOf(run), toMs }, "small")
        : html`<p class="absent">${label}: ${name(wanted)} was not measured.</p>`;
    });
    return html`<div class="grid-charts">${each}</div>`;
  });
  return charts.length === 0 ? undefined : section("over-time", "Over time", html`${charts}`);
}

function environmentsSection(baseline: Run, candidates: readonly Candidate[]): Section {
  const rows = candidates.flatMap(({ run }, i) =>
    compareEnvironments(baseline.environment, run.environment).differences.map(
      ({ field, a, b, matters }) =>
        html`<tr><td>${letter(i)}</td><th scope="row">${field}</th><td>${name(String(a ?? "unknown"))}</td><td>${name(String(b ?? "unknown"))}</td><td>${matters ? html`<strong class="state degraded">matters</strong>` : html`<span class="dim">does not matter</span>`}</td></tr>`,
    ),
  );
  if (rows.length === 0) return section("environment", "Environment", html`<p>The same machine, limits and Node.</p>`);
  return section(
    "environment",
    "Environment",
    scrollable(
      "Differences of environment",
      html`<table><thead><tr><th scope="col"></th><th scope="col">field</th><th scope="col">A</th><th scope="col">other</th><th scope="col">for times</th></tr></thead><tbody>${rows}</tbody></table>`,
    ),
  );
}

/** What only one side measured: named, so that nothing disappears between two runs unseen. */
function onlySection(baseline: Run, candidates: readonly Candidate[]): Section | undefined {
  const keys = (run: Run): Set<string> => new Set(run.measurements.map(({ metric, tags }) => tagKey(metric, tags)));
  const lacking = (run: Run, other: Run): string[] => {
    const known = keys(other);
    return run.measurements
      .filter(({ metric, tags }) => !known.has(tagKey(metric, tags)))
      .map(({ metric, tags }) => subjectText(metric, tags));
  };
  const lists = candidates.flatMap(({ run }, i) => [
    { title: `In A, not in ${letter(i)}`, names: lacking(baseline, run) },
    { title: `In ${letter(i)}, not in A`, names: lacking(run, baseline) },
  ]);
  const shown = lists.filter(({ names }) => names.length > 0);
  if (shown.length === 0) return undefined;
  return section(
    "only",
    "On one side only",
    html`${shown.map(({ title, names }) => html`<h4>${title}</h4><ul>${names.map((each) => html`<li>${name(each)}</li>`)}</ul>`)}${nothing}`,
  );
}
