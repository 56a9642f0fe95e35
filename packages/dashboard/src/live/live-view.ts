import { formatQuantity, type MetricUnit } from "@mettle/core";
import {
  budgetBar,
  type ChartLine,
  type Content,
  figureCell,
  formatClock,
  formatShare,
  heatMap,
  html,
  info,
  type LimitLine,
  limitLine,
  type Markup,
  name,
  nothing,
  type PhaseBand,
  scrollable,
  sparkChart,
  timeChart,
} from "@mettle/report";
import { agentsPanel } from "./live-agents.ts";
import { burnChart, burnNow } from "./live-burn.ts";
import type { LiveModel } from "./live-model.ts";
import { slotQuantile, slotsPerDoubling } from "./moment.ts";
import type { LiveStanding, SecondColumn } from "./wire.ts";

/** How a page looks at what it knows. */
export interface LiveLook {
  /** The last so many ms; undefined for the whole run. Ignored with `range`. */
  readonly windowMs: number | undefined;
  /** A stretch that was chosen by hand. */
  readonly range?: readonly [fromMs: number, toMs: number];
  readonly connection: "live" | "lost" | "ended" | "still";
  readonly isPaused: boolean;
  /** Whether tables of values have their rows; scripts fill them when one is opened. */
  readonly hasRows: boolean;
}

/** The last five minutes, as one looks at a test that one has just changed. */
export const usualLook: LiveLook = { windowMs: 300_000, connection: "live", isPaused: false, hasRows: true };

/** The choices of the bar: label and ms. */
export const windows: readonly (readonly [label: string, ms: number | undefined])[] = [
  ["1 min", 60_000],
  ["5 min", 300_000],
  ["30 min", 1_800_000],
  ["All", undefined],
];

const SPARK_SECONDS = 60;

/** Which way the run is going, for the colour of the head and of the window's icon. A run under way has passed nothing. */
export function liveStatus({ standing }: LiveModel): "invalid" | "failed" | "warning" | "measured" {
  if (standing?.validity === "invalid") return "invalid";
  if ((standing?.ruleCounts.missed ?? 0) > 0) return "failed";
  return standing?.validity === "degraded" ? "warning" : "measured";
}

/** The sentence that heads the page and names the window. */
export function liveTitle(model: LiveModel): string {
  const { standing, about } = model;
  if (!standing || !about) return "Waiting for the first second";
  const { missed, held, all } = standing.ruleCounts;
  const said =
    standing.validity === "invalid"
      ? "the measurement cannot be believed"
      : missed > 0
        ? `${missed} of ${all} rules missed`
        : all === 0
          ? "no rules"
          : held === all
            ? "all rules held so far"
            : `${held} of ${all} rules held so far, ${all - held} without data`;
  return `${formatClock(model.lastMs)} ${about.name}: ${said}`;
}

/** An element of the page, made when it is wanted: what nobody sees need not be drawn every second. */
export type LivePart = () => Markup;

/** The page at one moment, a pure function of what is known and how one looks at it: an element for each part. */
export function liveParts(model: LiveModel, look: LiveLook): readonly LivePart[] {
  const { standing } = model;
  if (!standing) return [() => html`<header class="head measured"><h1>${liveTitle(model)}</h1></header>`];
  const stretch = stretchOf(model, look);
  return [
    () => headOf(model, standing, look),
    () => tiles(model, standing, stretch),
    () => html`<div class="charts">${latencyChart(model, stretch, standing)}${throughputChart(model, stretch)}</div>`,
    () => html`<div class="charts">${heatChart(model, stretch)}${budgetOrConcurrency(model, stretch)}</div>`,
    () =>
      html`<div class="panels">${rulesPanel(model, standing)}<div>${healthPanel(model, standing)}${agentsPanel(model, standing)}</div></div>`,
    () => operationsPanel(model, standing),
  ];
}

export const liveMarkup = (model: LiveModel, look: LiveLook): Markup =>
  html`${liveParts(model, look).map((part) => part())}`;

/** A stretch of the run and where it lies in the model's columns. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly from: number;
  readonly to: number;
  readonly hasRows: boolean;
}

function stretchOf({ atMs, lastMs }: LiveModel, { range, windowMs, hasRows }: LiveLook): Stretch {
  const toMs = range?.[1] ?? lastMs;
  const fromMs = range?.[0] ?? (windowMs === undefined ? 0 : Math.max(0, lastMs - windowMs));
  const first = atMs.findIndex((at) => at >= fromMs);
  const beyond = atMs.findIndex((at) => at > toMs);
  return {
    fromMs,
    toMs: Math.max(fromMs + 1, toMs),
    from: first < 0 ? atMs.length : first,
    to: beyond < 0 ? atMs.length : beyond,
    hasRows,
  };
}

function headOf(model: LiveModel, standing: LiveStanding, { connection, isPaused }: LiveLook): Markup {
  const status = liveStatus(model);
  const { plannedMs, iterations, phase } = standing;
  const done = iterations
    ? iterations[0] / Math.max(1, iterations[1])
    : plannedMs === null
      ? undefined
      : model.lastMs / Math.max(1, plannedMs);
  const share = done === undefined ? undefined : Math.min(1, done);
  const word = { live: "LIVE", lost: "CONNECTION LOST", ended: "ENDED", still: "AS OF NOW" }[connection];
  return html`<header class="head ${status}">
<h1><span class="verdict ${connection}">${isPaused ? "PAUSED" : word}</span> <span class="sentence">${name(liveTitle(model))}</span></h1>
<p class="facts"><strong>${name(model.about?.target ?? "")}</strong> <span class="dot">·</span> ${name(model.text(phase))} <span class="dot">·</span> ${formatClock(model.lastMs)}${plannedMs !== null && ` of ${formatClock(plannedMs)}`}${iterations !== null && html` <span class="dot">·</span> ${iterations[0]} of ${iterations[1]} iterations`} ${share !== undefined && html`<progress max="100" value="${Math.round(share * 100)}" aria-label="Done">${formatShare(share)}</progress>`}</p>
${trustLine(standing)}</header>`;
}

function trustLine({ validity, reasons, lateP99Ns, cpuShare }: LiveStanding): Markup {
  const facts = [
    ...(lateP99Ns === null ? [] : [`generator late p99 ${formatQuantity(lateP99Ns, "ns")}`]),
    ...(cpuShare === null ? [] : [`generator CPU ${formatShare(cpuShare)} of a core`]),
  ];
  const said = [...(validity === "valid" ? [] : reasons), ...facts];
  return html`<p class="trust ${validity}"><span class="label">Measurement</span> <strong class="state">${validity.toUpperCase()}</strong>${info("validity")} ${said.map((fact, i) => html`${i > 0 && html` <span class="dot">·</span> `}${name(fact)}`)}</p>`;
}

function tiles(model: LiveModel, standing: LiveStanding, stretch: Stretch): Markup {
  const rate = (column: SecondColumn): string => {
    const value = model.latest(column);
    return value === undefined ? "–" : formatQuantity(value, "1/s").replace("/s", "");
  };
  const count = (column: SecondColumn): string => String(model.latest(column) ?? "–");
  const [done, failed] = [model.latest("perSecond"), model.latest("failedPerSecond")];
  const share = done === undefined || done === 0 || failed === undefined ? undefined : failed / done;
  const due = model.latest("duePerSecond");
  return html`<div class="tiles" role="group" aria-label="Now">
${tile("requests/s", rate("perSecond"), due === undefined ? "" : `of ${rate("duePerSecond")} iterations due`, spark(model, "perSecond"))}
${tile("p95", percentileText(model, stretch), "of the stretch shown", spark(model, "p95"))}
${tile("errors", share === undefined ? "–" : formatShare(share), "in the last second", spark(model, "failedPerSecond"), (share ?? 0) > 0)}
${tile("in flight", count("inFlight"), (model.latest("waiting") ?? 0) > 0 ? `${count("waiting")} waiting` : "", spark(model, "inFlight"))}
${goodTile(model) === nothing && tile("users", count("users"), "", spark(model, "users"))}
${goodTile(model)}${costTile(model)}${worstTile(model, standing)}</div>`;
}

/** Only where a run has objectives for its requests to models. */
function goodTile(model: LiveModel): Markup {
  const good = model.latest("goodShare");
  if (good === undefined && !hasValues(model, "goodShare")) return nothing;
  const figure = good === undefined ? "–" : formatShare(good);
  return tile("goodput", figure, "within all objectives", spark(model, "goodShare"), good !== undefined && good < 0.9);
}

/** Only where a run knows what its requests cost. */
function costTile(model: LiveModel): Markup {
  const seconds = model.column("costPerSecond").slice(-SPARK_SECONDS);
  const known = seconds.filter((value) => value !== null);
  if (known.length === 0) return nothing;
  const perMinute = (60 * known.reduce((sum, value) => sum + value, 0)) / known.length;
  return tile(
    "cost / min",
    String(Number(perMinute.toPrecision(3))),
    "over the last minute",
    spark(model, "costPerSecond"),
  );
}

const hasValues = (model: LiveModel, column: SecondColumn): boolean =>
  model
    .column(column)
    .slice(-SPARK_SECONDS)
    .some((value) => value !== null);

const tile = (label: string, figure: string, note: string, below: Content, isBad: boolean = false): Markup =>
  html`<div class="tile${isBad && html` bad`}"><span class="tile-label">${label}</span><span class="tile-figure">${figure}</span><span class="tile-note">${note}</span>${below}</div>`;

const spark = (model: LiveModel, column: SecondColumn): Markup =>
  sparkChart(model.column(column).slice(-SPARK_SECONDS), "over the last minute");

/** From all values of the stretch together: percentiles of seconds cannot be averaged. */
function percentileText({ slots }: LiveModel, { from, to }: Stretch): string {
  const merged = new Map<number, number>();
  for (let second = from; second < to; second++) {
    const pairs = slots[second] ?? [];
    for (let i = 0; i + 1 < pairs.length; i += 2)
      merged.set(pairs[i] ?? 0, (merged.get(pairs[i] ?? 0) ?? 0) + (pairs[i + 1] ?? 0));
  }
  const value = slotQuantile(merged, 0.95);
  return value === undefined ? "–" : formatQuantity(Number(value.toPrecision(2)), "ns");
}

function worstTile(model: LiveModel, { rules }: LiveStanding): Markup {
  const worst = rules.find(([, , , , , consumed]) => consumed !== null);
  if (!worst) return tile("closest rule", "–", rules.length === 0 ? "no rules" : "nothing to judge yet", nothing);
  const [text, state, , , , consumed, place] = worst;
  const burn = burnNow(model, place);
  return tile(
    "closest rule",
    formatShare(consumed ?? 0),
    burn === undefined ? "of what it allows" : `of what it allows · burning ${Number(burn.toPrecision(3))}×`,
    html`<span class="tile-rule">${name(model.text(text))}</span>${budgetBar(consumed ?? 0)}`,
    state === "missed",
  );
}

function chartFrame(model: LiveModel, { fromMs, toMs, hasRows }: Stretch) {
  return { fromMs, toMs, hasRows, gaps: model.gaps, phases: partsOf(model), size: "wide" as const };
}

/** The parts of the run between any scenario's begin and end, named by what runs in them; none where there is but one. */
function partsOf({ about, lastMs }: LiveModel): readonly PhaseBand[] {
  const spans = (about?.phases ?? []).map((phase) => ({ ...phase, toMs: phase.toMs ?? lastMs }));
  const cuts = [...new Set(spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].toSorted((a, b) => a - b);
  if (cuts.length < 3) return [];
  return cuts.slice(1).map((toMs, i) => {
    const fromMs = cuts[i] ?? 0;
    const running = spans.filter((span) => span.fromMs <= fromMs && toMs <= span.toMs);
    return { name: running.map((span) => span.name).join(" + "), fromMs, toMs };
  });
}

const lineFrom =
  (model: LiveModel, { from, to }: Stretch) =>
  (column: SecondColumn, label: string, style: ChartLine["style"]): ChartLine => ({
    name: label,
    style,
    atMs: model.atMs.slice(from, to),
    values: model.column(column).slice(from, to),
  });

function latencyChart(model: LiveModel, stretch: Stretch, { rules }: LiveStanding): Markup {
  const line = lineFrom(model, stretch);
  const limits = rules.flatMap(([, , , limit, , , , , isDrawn]): LimitLine[] =>
    isDrawn === 1 && limit !== null ? [limitLine(limit, "ns")] : [],
  );
  return timeChart({
    title: "Response time of each second",
    unit: "ns",
    lines: [line("p99", "p99", "extreme"), line("p95", "p95", "high"), line("p50", "p50", "typical")],
    limits: limits.filter(({ value }, i) => limits.findIndex((each) => each.value === value) === i),
    ...chartFrame(model, stretch),
  });
}

function throughputChart(model: LiveModel, stretch: Stretch): Markup {
  const line = lineFrom(model, stretch);
  const failed = line("failedPerSecond", "failed", "trouble");
  return timeChart({
    title: "Requests per second",
    unit: "1/s",
    lines: [line("perSecond", "done", "fill"), ...(failed.values.some((value) => (value ?? 0) > 0) ? [failed] : [])],
    ...chartFrame(model, stretch),
  });
}

function heatChart(model: LiveModel, stretch: Stretch): Markup {
  const columns = model.atMs
    .slice(stretch.from, stretch.to)
    .map((atMs, i) => ({ atMs, slots: model.slots[stretch.from + i] ?? [] }));
  const { fromMs, toMs, hasRows } = stretch;
  return heatMap({
    title: "Response times: how many, when",
    unit: "ns",
    slotsPerDoubling,
    columns,
    fromMs,
    toMs,
    hasRows,
  });
}

/** What runs out, where a rule has something that can; else how much is going on. */
function budgetOrConcurrency(model: LiveModel, stretch: Stretch): Markup {
  const { from, to } = stretch;
  const burn = burnChart(model, { from, to, frame: chartFrame(model, stretch) });
  return burn === nothing ? concurrencyChart(model, stretch) : burn;
}

function concurrencyChart(model: LiveModel, stretch: Stretch): Markup {
  const line = lineFrom(model, stretch);
  const waiting = line("waiting", "waiting", "trouble");
  return timeChart({
    title: "In flight",
    unit: "count",
    lines: [
      line("inFlight", "in flight", "fill"),
      ...(waiting.values.some((value) => (value ?? 0) > 0) ? [waiting] : []),
    ],
    ...chartFrame(model, stretch),
  });
}

const marks = { held: ["✓", "passed"], missed: ["✗", "failed"], "no-data": ["○", "no-data"] } as const;
const stateWords = { held: "held", missed: "missed", "no-data": "no data yet" } as const;

function rulesPanel(model: LiveModel, { rules, ruleCounts }: LiveStanding): Markup {
  const rest = ruleCounts.all - rules.length;
  const rows = rules.map(([text, state, actual, , unit, consumed, , since]) => {
    const [sign, className] = marks[state];
    const lasting =
      since !== null && html` <span class="dim">missed for ${formatClock(Math.max(0, model.lastMs - since))}</span>`;
    const got = actual === null ? "" : shown(actual, unit);
    return html`<tr class="${className}"><td><span class="mark ${className}" role="img" aria-label="${stateWords[state]}">${sign}</span></td><th scope="row"><code>${name(model.text(text))}</code>${lasting}</th>${figureCell(actual ?? undefined, got)}<td class="n used">${consumed !== null && html`${budgetBar(consumed)} <span class="percent">${formatShare(consumed)}</span>`}</td></tr>`;
  });
  const body =
    rules.length === 0
      ? html`<p class="absent">No thresholds: nothing is promised, and nothing can be missed.</p>`
      : html`<table class="rules short"><thead><tr><th scope="col" colspan="2">rule ${info("objective")}</th><th scope="col" class="n">so far</th><th scope="col" class="n">budget ${info("budget")}</th></tr></thead><tbody>${rows}</tbody></table>`;
  return html`<section class="panel" aria-labelledby="rules-now"><h2 id="rules-now">Rules, as they stand</h2>${body}${rest > 0 && html`<p class="dim">${rest} more rule${rest > 1 && "s"}, further from the limit, will be in the report.</p>`}</section>`;
}

const shown = (value: number, unit: string | null): string =>
  unit === null
    ? String(value)
    : unit === "1" && value > 0 && value <= 1
      ? formatShare(value)
      : formatQuantity(value, unit as MetricUnit);

function healthPanel(model: LiveModel, { errors, reasons, validity }: LiveStanding): Markup {
  const list =
    errors.length === 0
      ? html`<p class="absent">No error thrown by the script.</p>`
      : html`<table><caption>What the script threw</caption><tbody>${errors.map(([text, count]) => html`<tr><th scope="row">${name(model.text(text))}</th><td class="n">${count}×</td></tr>`)}</tbody></table>`;
  const why = validity !== "valid" && html`<ul>${reasons.map((reason) => html`<li>${name(reason)}</li>`)}</ul>`;
  const gaps = model.gaps.length;
  return html`<section class="panel" aria-labelledby="health-now"><h2 id="health-now">Errors and the generator</h2>${list}<p><strong class="state ${validity}">${validity.toUpperCase()}</strong> measurement</p>${why}${gaps > 0 && html`<p class="dim">${gaps} stretch${gaps > 1 && "es"} of the run not seen by this page; the report will have ${gaps > 1 ? "them" : "it"}.</p>`}</section>`;
}

function operationsPanel(model: LiveModel, { operations, operationCount }: LiveStanding): Markup {
  if (operations.length === 0)
    return html`<section id="operations" class="absent"><h2>Operations</h2><p class="absent">None has ended yet.</p></section>`;
  const rest = operationCount - operations.length;
  const rows = operations.map(([own, perSecond, failed, p50, p95, p99, , limit, missed]) => {
    const time = (value: number | null): Markup =>
      figureCell(value ?? undefined, value === null ? "" : formatQuantity(value, "ns"));
    return html`<tr><th scope="row">${name(model.text(own))}</th>${figureCell(perSecond, formatQuantity(perSecond, "1/s").replace("/s", ""))}${figureCell(failed ?? undefined, failed === null ? "" : `${(failed * 100).toFixed(2)} %`, (failed ?? 0) > 0 ? "some" : "")}${time(p50)}${time(p95)}${time(p99)}<td>${limit !== null ? html`<span class="${missed ? "outcome worse" : "dim"}">${name(model.text(limit))}${missed === 1 && " ✗"}</span>` : nothing}</td><td class="shape">${sparkChart(model.recent(own), "p95 of each second of the last minute")}</td></tr>`;
  });
  return html`<section id="operations" aria-labelledby="operations-now"><h2 id="operations-now">Operations</h2>${scrollable("Operations, those over their limit first, then the busiest", html`<table class="operations"><thead><tr><th scope="col">operation</th><th scope="col" class="n">per s</th><th scope="col" class="n">errors ${info("errors")}</th><th scope="col" class="n">p50</th><th scope="col" class="n">p95 ${info("p95")}</th><th scope="col" class="n">p99</th><th scope="col">limit</th><th scope="col">last minute</th></tr></thead><tbody>${rows}</tbody></table>`)}${rest > 0 && html`<p class="dim">${rest} more operations will be in the report.</p>`}</section>`;
}
