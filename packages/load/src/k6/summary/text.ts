import type { SummaryData, SummaryGroup, SummaryMetric } from "./summary-data.ts";

export interface TextOptions {
  readonly indent?: string;
  readonly enableColors?: boolean;
  readonly summaryTimeUnit?: string;
  readonly summaryTrendStats?: readonly string[];
}

const colours = { red: 31, green: 32, cyan: 36, dim: 2 } as const;
type Paint = (text: string, colour: keyof typeof colours) => string;

/** A run's figures as text: checks by group, then each metric with its statistics, then what missed its threshold. */
export function textSummary(data: SummaryData, options: TextOptions = {}): string {
  const { indent = "", enableColors = !data.options.noColor && data.state.isStdOutTTY } = options;
  const paint: Paint = (text, colour) => (enableColors ? `\u001B[${colours[colour]}m${text}\u001B[0m` : text);
  const unit = options.summaryTimeUnit ?? data.options.summaryTimeUnit;
  const stats = options.summaryTrendStats ?? data.options.summaryTrendStats;
  const lines = [...groupLines(data.root_group, "", paint), "", ...metricLines(data.metrics, unit, stats, paint)];
  return lines.map((line) => (line === "" ? "" : `${indent}  ${line}`)).join("\n");
}

function groupLines(group: SummaryGroup, indent: string, paint: Paint): string[] {
  const own = group.name === "" ? [] : ["", `${indent}█ ${group.name}`, ""];
  const inner = group.name === "" ? indent : `${indent}  `;
  const checks = group.checks.flatMap(({ name, passes, fails }) => {
    if (fails === 0) return [paint(`${inner}✓ ${name}`, "green")];
    const share = Math.floor((100 * passes) / (passes + fails));
    return [paint(`${inner}✗ ${name}`, "red"), paint(`${inner} ↳  ${share}% — ✓ ${passes} / ✗ ${fails}`, "red")];
  });
  return [...own, ...checks, ...group.groups.flatMap((child) => groupLines(child, inner, paint))];
}

function metricLines(
  metrics: Readonly<Record<string, SummaryMetric>>,
  unit: string,
  stats: readonly string[],
  paint: Paint,
): string[] {
  const rows = Object.entries(metrics)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, metric]) => ({ name, metric, cells: valueCells(metric, unit, stats) }));
  const widest = Math.max(0, ...rows.map(({ name }) => labelOf(name).length));
  const columns = columnWidths(rows.filter(({ metric }) => metric.type === "trend").map(({ cells }) => cells));
  return rows.map(({ name, metric, cells }) => {
    const label = `${labelOf(name)}${".".repeat(widest - labelOf(name).length + 3)}:`;
    const shown = cells
      .map((cell, i) => (metric.type === "trend" ? cell.padEnd(columns[i] ?? 0) : cell))
      .join(" ")
      .trimEnd();
    return `${thresholdMark(metric, paint)}${label} ${paint(shown, "cyan")}`;
  });
}

/** A submetric stands under its metric. */
const labelOf = (name: string): string => (name.includes("{") ? `  ${name.slice(name.indexOf("{"))}` : name);

function thresholdMark({ thresholds }: SummaryMetric, paint: Paint): string {
  if (!thresholds) return "  ";
  return Object.values(thresholds).every(({ ok }) => ok) ? `${paint("✓", "green")} ` : `${paint("✗", "red")} `;
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return widths;
}

function valueCells({ type, contains, values }: SummaryMetric, unit: string, stats: readonly string[]): string[] {
  const shown = (value: number | undefined): string => (value === undefined ? "–" : formatValue(value, contains, unit));
  switch (type) {
    case "trend":
      return stats.map((stat) => `${stat}=${stat === "count" ? String(values["count"] ?? "–") : shown(values[stat])}`);
    case "counter":
      return [shown(values["count"]), `${values["rate"] === undefined ? "–" : shown(values["rate"])}/s`];
    case "gauge":
      return [shown(values["value"]), `min=${shown(values["min"])}`, `max=${shown(values["max"])}`];
    case "rate": {
      const { rate, passes, fails } = values;
      return [
        rate === undefined ? "–" : `${(Math.floor(rate * 10_000) / 100).toFixed(2)}%`,
        `✓ ${passes ?? "–"}`,
        `✗ ${fails ?? "–"}`,
      ];
    }
  }
}

const timeUnits: Readonly<Record<string, readonly [scale: number, name: string]>> = {
  s: [1e-3, "s"],
  ms: [1, "ms"],
  us: [1e3, "µs"],
};

function formatValue(value: number, contains: SummaryMetric["contains"], unit: string): string {
  if (contains === "time") return formatMs(value, unit);
  if (contains === "data") return formatBytes(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(6)));
}

function formatMs(ms: number, unit: string): string {
  const fixed = timeUnits[unit];
  if (fixed) return `${(ms * fixed[0]).toFixed(2)}${fixed[1]}`;
  if (ms === 0) return "0s";
  if (ms < 0.001) return `${Math.trunc(ms * 1e6)}ns`;
  if (ms < 1) return `${trimmed(ms * 1e3)}µs`;
  if (ms < 1000) return `${trimmed(ms)}ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000)}s`;
  const seconds = Math.trunc(ms / 1000);
  const hours = Math.trunc(seconds / 3600);
  const minutes = `${Math.trunc((seconds % 3600) / 60)}m${seconds % 60}s`;
  return hours > 0 ? `${hours}h${minutes}` : minutes;
}

const trimmed = (value: number): string => String(Number(value.toFixed(2)));

function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  let value = bytes;
  while (Math.abs(value) >= 1000 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${i === 0 ? Math.round(value) : value.toPrecision(2).includes("e") ? Math.round(value) : Number(value.toPrecision(2))} ${units[i]}`;
}
