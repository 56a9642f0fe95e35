import { formatQuantity } from "@mettle/core";
import type { Measurement, Run, Summary } from "@mettle/results";
import { formatShare } from "./quantities.ts";
import type { Cell, Column } from "./table.ts";
import { visibleText } from "./visible.ts";

/** What the load package's agent layer records, as far as these tables and sentences show it. */
const shown: ReadonlySet<string> = new Set([
  "llm_requests",
  "llm_failed",
  "llm_errors",
  "llm_ttft",
  "llm_ttft_scheduled",
  "llm_schedule_delay",
  "llm_ttfot",
  "llm_ttst",
  "llm_duration",
  "llm_tpot",
  "llm_itl",
  "llm_ntpot",
  "llm_user_tokens_per_second",
  "llm_prefill_tokens_per_second",
  "llm_input_tokens",
  "llm_cached_input_tokens",
  "llm_output_tokens",
  "llm_reasoning_tokens",
  "llm_good",
  "llm_good_output_tokens",
  "llm_cost",
  "llm_in_flight",
  "llm_output_tokens_per_second",
  "llm_goodput",
  "agent_tasks",
  "agent_task_passed",
  "agent_task_duration",
  "agent_task_steps",
  "agent_task_llm_calls",
  "agent_task_tool_calls",
  "agent_task_cost",
  "agent_cost_per_passed_task",
  "agent_pass_power",
  "agent_orchestration_overhead",
  "agent_critical_path_share",
  "agent_tool_duration",
  "agent_tool_failed",
  "agent_tool_retried",
  "agent_sessions",
  "agent_session_success",
  "agent_session_duration",
  "agent_session_completed",
]);

/** Whether a measurement is shown by these, and need not stand in the table of a script's own metrics. */
export const isAgentMeasurement = ({ metric }: Measurement): boolean => shown.has(metric);

/** The tables of a load test of models and agents: models, errors by code, tasks, tools, sessions. Empty ones are left out. */
export function agentTables(run: Run): readonly Column[][] {
  const view = new AgentView(run);
  return [modelColumns(view), errorColumns(view), taskColumns(view), toolColumns(view), sessionColumns(view)].filter(
    ([first]) => (first?.cells.length ?? 0) > 0,
  );
}

type Tags = Measurement["tags"];

/** The agent layer's measurements of a run, by metric and tag. */
class AgentView {
  readonly #measurements: readonly Measurement[];

  constructor({ measurements }: Run) {
    this.#measurements = measurements.filter(isAgentMeasurement);
  }

  /** Rows of a table: the parts of a metric by one tag, the most frequent first. */
  parts(metric: string, tag: string): readonly string[] {
    return this.#measurements
      .filter((each) => each.metric === metric && isOnly(each.tags, tag))
      .toSorted((a, b) => (b.summary.sum ?? b.summary.count) - (a.summary.sum ?? a.summary.count))
      .map(({ tags }) => tags[tag] ?? "");
  }

  summary(metric: string, tags: Tags): Summary | undefined {
    const wanted = JSON.stringify(tags);
    return this.#measurements.find((each) => each.metric === metric && JSON.stringify(each.tags) === wanted)?.summary;
  }
}

const isOnly = (tags: Tags, tag: string): boolean => Object.keys(tags).length === 1 && tag in tags;

type Pick = (summary: Summary) => string | undefined;

const time =
  (statistic: "p50" | "p95" | "p99" | "max"): Pick =>
  (summary) =>
    summary[statistic] === undefined ? undefined : formatQuantity(summary[statistic], "ns");
const percent: Pick = ({ rate }) => (rate === undefined ? undefined : (rate * 100).toFixed(2));
const sum: Pick = ({ sum: total }) => (total === undefined ? undefined : formatQuantity(total, "count"));
const median: Pick = ({ p50 }) => (p50 === undefined ? undefined : formatQuantity(p50, "1"));
const mean: Pick = ({ mean: value }) => (value === undefined ? undefined : formatQuantity(value, "1"));

/** A table whose rows are the parts of a metric by a tag. */
function tableOf(
  view: AgentView,
  [metric, tag]: readonly [metric: string, tag: string],
  columns: readonly (readonly [title: string, metric: string, pick: Pick, dropOrder?: number])[],
): Column[] {
  const names = view.parts(metric, tag);
  const cell = (of: string, name: string, pick: Pick): Cell => {
    const summary = view.summary(of, { [tag]: name });
    const text = (summary && pick(summary)) ?? "";
    const isTrouble = pick === percent && /failed|retried/.test(of) && (summary?.rate ?? 0) > 0;
    return { text, tone: isTrouble ? "warn" : "plain" };
  };
  return [
    { title: tag, align: "left", cells: names.map((name) => ({ text: visibleText(name) })), shrinkTo: 16 },
    ...columns.map(
      ([title, of, pick, dropOrder]): Column => ({
        title,
        align: "right",
        cells: names.map((name) => cell(of, name, pick)),
        ...(dropOrder !== undefined && { dropOrder }),
      }),
    ),
  ];
}

/** To the first token from the moment that the request was due, where it was scheduled: what its sender waited. */
function modelColumns(view: AgentView): Column[] {
  const scheduled = view.summary("llm_ttft_scheduled", {}) !== undefined;
  const first = scheduled ? "llm_ttft_scheduled" : "llm_ttft";
  return tableOf(
    view,
    ["llm_requests", "model"],
    [
      ["requests", "llm_requests", sum],
      ["err%", "llm_failed", percent],
      [scheduled ? "due to first token p50" : "first token p50", first, time("p50")],
      ["p95", first, time("p95")],
      ["token gap p50", "llm_itl", time("p50"), 3],
      ["p99", "llm_itl", time("p99"), 4],
      ["per token p50", "llm_tpot", time("p50"), 5],
      ["whole p95", "llm_duration", time("p95"), 2],
      ["tokens out", "llm_output_tokens", sum, 6],
      ["good%", "llm_good", percent, 1],
    ],
  );
}

const errorColumns = (view: AgentView): Column[] =>
  tableOf(view, ["llm_errors", "code"], [["failed requests", "llm_errors", sum]]);

const taskColumns = (view: AgentView): Column[] =>
  tableOf(
    view,
    ["agent_tasks", "task"],
    [
      ["tasks", "agent_tasks", sum],
      ["passed%", "agent_task_passed", percent],
      ["p50", "agent_task_duration", time("p50")],
      ["p95", "agent_task_duration", time("p95")],
      ["steps", "agent_task_steps", median, 3],
      ["overhead p50", "agent_orchestration_overhead", time("p50"), 2],
      ["cost", "agent_task_cost", mean, 1],
    ],
  );

const toolColumns = (view: AgentView): Column[] =>
  tableOf(
    view,
    ["agent_tool_duration", "tool"],
    [
      ["calls", "agent_tool_duration", ({ count }) => formatQuantity(count, "count")],
      ["err%", "agent_tool_failed", percent],
      ["retried%", "agent_tool_retried", percent, 2],
      ["p50", "agent_tool_duration", time("p50")],
      ["p95", "agent_tool_duration", time("p95")],
      ["max", "agent_tool_duration", time("max"), 1],
    ],
  );

const sessionColumns = (view: AgentView): Column[] =>
  tableOf(
    view,
    ["agent_sessions", "session"],
    [
      ["sessions", "agent_sessions", sum],
      ["succeeded%", "agent_session_success", percent],
      ["turns p50", "agent_session_completed", median],
      ["p50", "agent_session_duration", time("p50")],
      ["p95", "agent_session_duration", time("p95")],
    ],
  );

/** Sentences on the whole: tokens per second, goodput, cost, pass^k, where the time went. */
export function agentFacts(run: Run): readonly string[] {
  const view = new AgentView(run);
  const last = (metric: string, tags: Tags = {}): number | undefined => view.summary(metric, tags)?.last;
  const tokens = last("llm_output_tokens_per_second");
  const goodput = last("llm_goodput");
  const good = view.summary("llm_good", {})?.rate;
  const peak = view.summary("llm_in_flight", {})?.max;
  const cost = last("agent_cost_per_passed_task");
  const late = view.summary("llm_schedule_delay", {})?.p95;
  const powers = view
    .parts("agent_pass_power", "k")
    .toSorted((a, b) => Number(a) - Number(b))
    .map((k) => `pass^${k} ${formatShare(last("agent_pass_power", { k }) ?? 0)}`);
  const path = (["llm", "tool"] as const).flatMap((kind) => {
    const share = view.summary("agent_critical_path_share", { kind })?.mean;
    return share === undefined ? [] : [`${kind === "llm" ? "models" : "tools"} ${formatShare(share)}`];
  });
  return [
    [
      ...(tokens === undefined ? [] : [`${formatQuantity(tokens, "1/s").replace("/s", "")} output tokens/s`]),
      ...(goodput === undefined ? [] : [`goodput ${formatQuantity(goodput, "1/s")}`]),
      ...(good === undefined ? [] : [`${formatShare(good)} within all objectives`]),
      ...(peak === undefined ? [] : [`at most ${peak} in flight in a worker`]),
    ].join(" · "),
    late === undefined ? "" : `requests were sent ${formatQuantity(late, "ns")} late or less (percentile 95)`,
    [...(cost === undefined ? [] : [`a passed task cost ${Number(cost.toPrecision(3))}`]), ...powers].join(" · "),
    path.length > 0 ? `on the way that decided when a task ended: ${path.join(", ")} of its time` : "",
  ].filter((line) => line !== "");
}
