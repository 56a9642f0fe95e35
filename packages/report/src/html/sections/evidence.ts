import { formatChange, formatQuantity } from "@mettle/core";
import type { Finding } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";
import { notesOf, subjectText, weakestSelfCheck } from "../../cases.ts";
import { formatRevision, formatTime } from "../../provenance.ts";
import { typical } from "../../text/case-columns.ts";
import { isTotal, operationMetrics } from "../../text/load-tables.ts";
import { formatFigure, formatDuration, formatRatioInterval, formatShare } from "../../text/quantities.ts";
import { grouped, stateWords } from "../../text/words.ts";
import { lineOf, timeChart } from "../charts/time-chart.ts";
import { info } from "../glossary.ts";
import { type Content, html, type Markup } from "../html.ts";
import { phasesOf } from "../operations.ts";
import type { PageModel } from "../page-model.ts";
import { stateMark } from "./overview.ts";
import { absentSection, figureCell, name, type Section, scrollable, section } from "./section.ts";

const stateOrder: readonly Finding["state"][] = ["failed", "no-data", "undecided", "warning", "info", "passed"];

/** Which requirement was answered by what, and how it stands. */
export function requirementsSection({ run, findings }: PageModel): Section {
  const title = "Coverage of requirements";
  const found = new Map<string, { measured: Set<string>; findings: Finding[] }>();
  const at = (id: string): { measured: Set<string>; findings: Finding[] } => {
    const known = found.get(id) ?? { measured: new Set<string>(), findings: [] };
    found.set(id, known);
    return known;
  };
  for (const { requirement = [], metric, tags } of run.measurements)
    for (const id of requirement) at(id).measured.add(subjectText(metric, tags));
  for (const finding of findings) for (const id of finding.requirement ?? []) at(id).findings.push(finding);
  if (found.size === 0) return absentSection("requirements", title, "No measurement of this run names a requirement.");
  const rows = [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, entry]) => requirementRow(id, entry.measured, entry.findings));
  const table = html`<table class="sortable" data-filter><thead><tr><th scope="col">id ${info("requirement")}</th><th scope="col">state</th><th scope="col">rules</th><th scope="col" class="n">measurements</th><th scope="col" class="plain">by</th></tr></thead><tbody>${rows}</tbody></table>`;
  return section("requirements", title, scrollable("Requirements", table));
}

function requirementRow(id: string, measured: ReadonlySet<string>, findings: readonly Finding[]): Markup {
  const worst = findings.toSorted((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state))[0]?.state;
  const names = [...measured];
  const by = names.slice(0, 3).join(", ");
  return html`<tr><th scope="row">${name(id)}</th><td data-v="${worst ? stateOrder.indexOf(worst) : 9}">${worst ? html`${stateMark(worst)} ${stateWords[worst]}` : "measured"}</td><td class="n" data-v="${findings.length}">${findings.length}</td><td class="n" data-v="${names.length}">${names.length}</td><td>${name(by)}${names.length > 3 && html` <span class="dim">and ${names.length - 3} more</span>`}</td></tr>`;
}

/** What the run cost while it went on: users, the generator's own delays, data, and resources that were measured. */
export function resourcesSection({ run }: PageModel): Section {
  const title = "Resources";
  const times = { fromMs: 0, toMs: Math.max(1, run.durationMs), phases: phasesOf(run), size: "small" as const };
  const charts = resourceCharts(run).flatMap(({ title: of, metric, column, label }) => {
    const measured = run.measurements.find((each) => each.metric === metric && isTotal(each));
    const line = lineOf(measured?.series, column, label, "high");
    return line && measured
      ? [timeChart({ title: of, unit: perSecond(measured, column), lines: [line], ...times })]
      : [];
  });
  if (charts.length === 0)
    return absentSection(
      "resources",
      title,
      "No memory, processor or connection was observed over time. Memory and GC of benchmarks are in their table.",
    );
  return section("resources", title, html`<div class="grid-charts">${charts}</div>`);
}

const perSecond = ({ unit }: Measurement, column: string): Measurement["unit"] =>
  column === "perSecond" ? (unit === "bytes" ? "bytes/s" : "1/s") : unit;

const RESOURCE =
  /^(?:process|eventloop|event_loop|nodejs|v8js|gc|memory|heap|rss|cpu)[._]|[._](?:rss|heap|memory|cpu|elu)$/;

interface ResourceChart {
  readonly title: string;
  readonly metric: string;
  readonly column: string;
  readonly label: string;
}

function resourceCharts(run: Run): readonly ResourceChart[] {
  const own = run.measurements
    .filter(({ metric, series }) => RESOURCE.test(metric) && series)
    .map(({ metric, series }): ResourceChart => {
      const column = ["p99", "value", "mean", "perSecond"].find((each) => series?.values[each]) ?? "value";
      return { title: `${metric}, ${column}`, metric, column, label: column };
    });
  return [
    ...own,
    { title: "Virtual users", metric: "vus", column: "value", label: "users" },
    { title: "Generator's own delay", metric: "generator_dispatch_delay", column: "p99", label: "p99" },
    { title: "Data received", metric: "data_received", column: "perSecond", label: "received" },
    { title: "Data sent", metric: "data_sent", column: "perSecond", label: "sent" },
  ];
}

/** What no table above shows: nothing measured is left out. */
export function othersSection({ run, cases, operations }: PageModel): Section | undefined {
  const told = new Set<Measurement>(
    operations.flatMap(({ times, requests, failed }) => [times, requests, failed].filter((each) => each !== undefined)),
  );
  const all =
    operations.length > 0 ? run.measurements.filter((each) => !told.has(each) && !isAlias(each)) : cases.others;
  if (all.length === 0) return undefined;
  const statistic = ({ unit }: Measurement, value: number | undefined): Markup =>
    figureCell(value, value === undefined ? "" : formatQuantity(value, unit));
  const rows = all.map((measurement) => {
    const { metric, tags, summary, unit } = measurement;
    const value = valueOf(measurement);
    return html`<tr><th scope="row">${name(subjectText(metric, tags))}</th>${figureCell(value, value === undefined ? "" : formatFigure(value, unit))}${statistic(measurement, summary.p95)}${statistic(measurement, summary.p99)}${statistic(measurement, summary.max)}${figureCell(summary.count, grouped(summary.count))}</tr>`;
  });
  const table = html`<table class="sortable" data-filter><thead><tr><th scope="col">metric</th><th scope="col" class="n">value</th><th scope="col" class="n">p95</th><th scope="col" class="n">p99</th><th scope="col" class="n">max</th><th scope="col" class="n">samples</th></tr></thead><tbody>${rows}</tbody></table>`;
  return section("measurements", "Other measurements", scrollable("Other measurements", table));
}

const valueOf = (measurement: Measurement): number | undefined => {
  const { rate, sum, last } = measurement.summary;
  return rate ?? sum ?? last ?? typical(measurement);
};

/** The same samples under fewer tags, which a threshold asked for. */
const isAlias = ({ metric, tags }: Measurement): boolean =>
  (operationMetrics.includes(metric) || metric === "http_req_failed") &&
  tags["name"] !== undefined &&
  tags["scenario"] === undefined;

/** Whether the figures can be believed, with every reservation there is. */
export function validitySection({ run, verdict }: PageModel): Section {
  const { state, reasons } = run.validity;
  const check = weakestSelfCheck(run);
  const { noise, loadAverage1m } = run.environment;
  const notes = notesOf(run);
  const items: (readonly [Content, Content])[] = [
    [
      html`state ${info("validity")}`,
      html`<strong class="state ${state}">${state.toUpperCase()}</strong>${reasons.length > 0 && html`<ul>${reasons.map((reason) => html`<li>${name(reason)}</li>`)}</ul>`}`,
    ],
    [
      html`self-check ${info("selfcheck")}`,
      check ? selfCheckText(check) : absent("no hidden copy of the same code was measured"),
    ],
    [
      html`noise ${info("noise")}`,
      noise
        ? `spread ${formatShare(noise.spread)} over ${noise.samples} probes, interrupted in ${formatShare(noise.interruptedShare)}${noise.cpuWaitShare === undefined ? "" : `, waiting for a processor ${formatShare(noise.cpuWaitShare)} of the time`}`
        : absent("the machine was not probed"),
    ],
    [
      "load average",
      loadAverage1m === undefined ? absent("not known on this system") : String(Number(loadAverage1m.toFixed(2))),
    ],
    [
      html`comparisons ${info("fdr")}`,
      verdict?.comparisons
        ? `${verdict.comparisons.made}, false discoveries held to ${formatShare(verdict.comparisons.falseDiscoveryRate)}`
        : absent("none made"),
    ],
    [
      "could not be measured",
      (run.failures ?? []).length > 0
        ? html`<ul>${(run.failures ?? []).map(({ code, message }) => html`<li><code>${code}</code> ${name(message)}</li>`)}</ul>`
        : "nothing",
    ],
    ...(run.imported
      ? [
          [
            "lost in the import",
            html`from <code>${run.imported.format}</code>: ${run.imported.lost.length > 0 ? html`<ul>${run.imported.lost.map((text) => html`<li>${name(text)}</li>`)}</ul>` : "nothing"}`,
          ] as const,
        ]
      : []),
    [
      "notes",
      notes.length > 0
        ? html`<ul>${notes.map(({ about, text }) => html`<li>${name(about)}: ${name(text)}</li>`)}</ul>`
        : "none",
    ],
  ];
  return section("validity", "Can it be believed?", definitions(items));
}

const absent = (why: string): Markup => html`<span class="absent">not measured: ${why}</span>`;

const definitions = (items: readonly (readonly [Content, Content])[]): Markup =>
  html`<dl class="facts-list">${items.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>`;

function selfCheckText(check: NonNullable<ReturnType<typeof weakestSelfCheck>>): Content {
  const seen = `${formatChange(check.ratio - 1)} ${formatRatioInterval(check.low, check.high)}`;
  return check.low <= 1 && 1 <= check.high
    ? `same code differed by ${seen}; a change of ${formatShare(check.detectable)} would be found`
    : html`<strong class="state invalid">FAILED</strong> same code differed by ${seen}: differences no larger than that prove nothing`;
}

/** Where, when and on what the run was measured. */
export function environmentSection({ run, baseline }: PageModel): Section {
  const { environment, revision } = run;
  const { os, cpu, node, container, governor, ci, memoryBytes, fingerprint } = environment;
  const items: (readonly [Content, Content])[] = [
    ["run", html`${name(run.name)} <code>${run.id}</code>`],
    ["began", `${formatTime(run.startedAt)}, took ${formatDuration(run.durationMs)}`],
    [
      "revision",
      revision
        ? html`${name(formatRevision(revision))} <code>${revision.commit}</code>`
        : absent("not in a repository"),
    ],
    [
      "processor",
      html`${cpu.cores} × ${name(cpu.model.trim())}${cpu.mhz !== undefined && `, ${cpu.mhz} MHz`}${governor !== undefined && html`, governor ${name(governor)}`}`,
    ],
    ["memory", formatQuantity(memoryBytes, "bytes")],
    [
      "limits",
      container
        ? [
            container.cpus === undefined ? "" : `${container.cpus} processors `,
            container.memoryBytes === undefined ? "" : formatQuantity(container.memoryBytes, "bytes"),
          ].join("") || "none"
        : "none known",
    ],
    ["system", html`${name(`${os.platform} ${os.release} ${os.arch}`)}`],
    [
      "Node.js",
      html`${name(node.version)}, V8 ${name(node.v8)}${node.flags.length > 0 && html`, <code>${name(node.flags.join(" "))}</code>`}`,
    ],
    ...(ci === undefined ? [] : [["built by", name(ci)] as const]),
    ["fingerprint", html`<code>${fingerprint}</code>`],
    ...(baseline
      ? [
          [
            "baseline",
            html`${name(baseline.name)}, ${formatTime(baseline.startedAt)}, <code>${baseline.environment.fingerprint}</code>${baseline.environment.fingerprint !== fingerprint && html` <strong class="state degraded">other machine or limits</strong>`}`,
          ] as const,
        ]
      : []),
  ];
  return section("environment", "Environment", definitions(items));
}
