import { formatQuantity } from "@mettle/core";
import type { Painter, Tone } from "../text/color.ts";
import { formatClock, formatShare } from "../text/quantities.ts";
import { sparkline } from "../text/sparkline.ts";
import { type Cell, layoutTable } from "../text/table.ts";
import { visibleText } from "../text/visible.ts";
import { textWidth, truncateEnd, truncateMiddle } from "../text/width.ts";
import type { FrameSize } from "./frame.ts";

/** One row of the running table: what is loaded, how fast, how well. Times in ns; what is not known is absent. */
export interface LoadOperation {
  readonly name: string;
  readonly perSecond: number;
  /** Share that failed, 0 … 1. */
  readonly failedShare?: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  /** The threshold on it that is closest to its limit, as written, and whether it is missed now. */
  readonly limit?: { readonly text: string; readonly missed: boolean };
  /** Of the last minute, oldest first: percentile 95 of each second. */
  readonly recent: readonly (number | undefined)[];
}

/** A load test at one moment, as the live view shows it: plain data, so that the engine and the view need not know each other. */
export interface LoadProgress {
  readonly name: string;
  /** What is loaded: a URL or a script. */
  readonly target: string;
  /** Names of the scenarios that run now. */
  readonly phase: string;
  readonly elapsedMs: number;
  /** Absent where only control ends the run. */
  readonly plannedMs?: number;
  /** Iterations planned and done, where those are counted. */
  readonly iterations?: { readonly done: number; readonly planned: number };
  /** Iterations begun in the last second. */
  readonly perSecond: number;
  /** Arrivals due in the last second; absent without a schedule. */
  readonly duePerSecond?: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly users: number;
  /** Of a core, on average over the workers; absent where the system does not tell. */
  readonly cpuShare?: number;
  /** Percentile 99 of how late the generator looked at its schedule. */
  readonly lateP99Ns?: number;
  readonly validity: { readonly state: "valid" | "degraded" | "invalid"; readonly reasons: readonly string[] };
  readonly thresholds: { readonly missed: number; readonly held: number };
  readonly operations: readonly LoadOperation[];
  /** What user code threw, most frequent first. */
  readonly errors: readonly { readonly message: string; readonly count: number }[];
}

const BAR_CELLS = 32;
const SHORTEST_BAR = 8;
const TABLE_ROWS = 12;
const SPARK_CELLS = 12;

/** The live view at one moment: at most `height` lines of at most `width` cells. Pure. */
export function renderLoadFrame(progress: LoadProgress, size: FrameSize, paint: Painter): string[] {
  const lines = [headLine(progress, size.width, paint), barLine(progress, size.width, paint), trustLine(progress, size.width, paint)];
  const errors = errorLines(progress, size.width, paint);
  const rows = Math.min(TABLE_ROWS, size.height - lines.length - errors.length - 2);
  if (rows > 0 && progress.operations.length > 0) lines.push("", ...operationTable(progress, rows, size.width, paint));
  return [...lines, ...errors].slice(0, Math.max(1, size.height));
}

function headLine({ name, target }: LoadProgress, width: number, paint: Painter): string {
  const room = width - 5 - textWidth(name);
  const shown = target === name || room < 12 ? "" : ` → ${truncateMiddle(visibleText(target), room)}`;
  return ` ${paint("strong", truncateMiddle(visibleText(name), width - 1))}${paint("dim", shown)}`;
}

/** How much is done, 0 … 1: by iterations where they are counted, else by time. */
export function loadFractionDone({ elapsedMs, plannedMs, iterations }: LoadProgress): number | undefined {
  const byTime = plannedMs === undefined || plannedMs <= 0 ? undefined : Math.min(1, elapsedMs / plannedMs);
  if (!iterations || iterations.planned <= 0) return byTime;
  return Math.min(1, iterations.done / iterations.planned);
}

function barLine(progress: LoadProgress, width: number, paint: Painter): string {
  const facts = [clockText(progress), rateText(progress), `${progress.inFlight} in flight`].join("   ");
  const phase = truncateEnd(visibleText(progress.phase), 16);
  const done = loadFractionDone(progress);
  const room = Math.min(BAR_CELLS, width - textWidth(facts) - textWidth(phase) - 6);
  if (done === undefined || room < SHORTEST_BAR) return ` ${truncateEnd(`${phase}   ${facts}`, width - 1)}`;
  const filled = Math.floor(done * room);
  return ` ${phase}   ${"█".repeat(filled)}${paint("dim", "░".repeat(room - filled))}  ${facts}`;
}

function clockText({ elapsedMs, plannedMs, iterations }: LoadProgress): string {
  if (iterations) return `${formatClock(elapsedMs)}   ${iterations.done}/${iterations.planned} iterations`;
  return plannedMs === undefined ? formatClock(elapsedMs) : `${formatClock(elapsedMs)} / ${formatClock(plannedMs)}`;
}

/** `198/200 /s`: begun of those due, where there is a schedule. */
function rateText({ perSecond, duePerSecond }: LoadProgress): string {
  const begun = shortRate(perSecond);
  return duePerSecond === undefined ? `${begun} it/s` : `${begun}/${shortRate(duePerSecond)} it/s`;
}

const shortRate = (rate: number): string => (rate >= 100 ? String(Math.round(rate)) : rate.toFixed(rate >= 10 ? 1 : 2));

const validityTones = { valid: "good", degraded: "warn", invalid: "bad" } as const satisfies Record<string, Tone>;
const validitySigns = { valid: "✓ valid", degraded: "! degraded", invalid: "✗ invalid" } as const;

function trustLine(progress: LoadProgress, width: number, paint: Painter): string {
  const { thresholds, waiting, users, lateP99Ns, cpuShare, validity } = progress;
  const judged = thresholds.missed + thresholds.held;
  const limits = judged === 0 ? "" : `${thresholds.missed} of ${judged} thresholds missed`;
  const facts = [
    `${users} users`,
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(lateP99Ns === undefined ? [] : [`late p99 ${formatQuantity(lateP99Ns, "ns")}`]),
    ...(cpuShare === undefined ? [] : [`cpu ${formatShare(cpuShare)}`]),
  ].join("  ");
  const word = validitySigns[validity.state];
  const reason = validity.reasons[0];
  const line = ` ${paint(thresholds.missed > 0 ? "bad" : "plain", limits)}${limits === "" ? "" : "   "}${facts}  ${paint(validityTones[validity.state], word)}`;
  const used = textWidth(limits) + (limits === "" ? 0 : 3) + textWidth(facts) + 3 + textWidth(word);
  const room = width - used - 2;
  return reason === undefined || room < 12 ? line : `${line}: ${truncateEnd(visibleText(reason), room)}`;
}

function errorLines({ errors }: LoadProgress, width: number, paint: Painter): string[] {
  if (errors.length === 0) return [];
  const shown = errors.slice(0, 2).map(({ message, count }) => truncateEnd(` ! ${count}× ${visibleText(message)}`, width));
  return ["", ...shown.map((line) => paint("warn", line))];
}

function operationTable({ operations }: LoadProgress, rows: number, width: number, paint: Painter): readonly string[] {
  const shown = operations.slice(0, rows);
  const time = (value: number | undefined): string => (value === undefined ? "" : formatQuantity(value, "ns"));
  const column = (title: string, cells: readonly Cell[], dropOrder?: number) => ({
    title,
    align: "right" as const,
    cells,
    ...(dropOrder !== undefined && { dropOrder }),
  });
  const limitCell = ({ limit }: LoadOperation): Cell =>
    limit ? { text: `${limit.text}${limit.missed ? " ✗" : ""}`, tone: limit.missed ? "bad" : "dim" } : { text: "" };
  return layoutTable(
    [
      { title: "operation", align: "left", cells: shown.map(({ name }) => ({ text: visibleText(name) })), shrinkTo: 16 },
      column("req/s", shown.map(({ perSecond }) => ({ text: shortRate(perSecond) }))),
      column(
        "err%",
        shown.map(({ failedShare }) => ({
          text: failedShare === undefined ? "" : (failedShare * 100).toFixed(2),
          tone: failedShare !== undefined && failedShare > 0 ? "warn" : "plain",
        })),
      ),
      column("p50", shown.map(({ p50 }) => ({ text: time(p50) }))),
      column("p95", shown.map(({ p95 }) => ({ text: time(p95) }))),
      column("p99", shown.map(({ p99 }) => ({ text: time(p99) })), 1),
      { title: "limit", align: "left", cells: shown.map(limitCell), dropOrder: 2 },
      {
        title: "last 60 s",
        align: "left",
        cells: shown.map(({ recent }) => ({ text: sparkline(recent, SPARK_CELLS) })),
        dropOrder: 3,
      },
    ],
    { width, indent: 1, paint },
  ).lines;
}

/** The state as one line for logs: `[07:40] spike 198/200 it/s p95 2.31 s err 0.29 % 1 of 9 thresholds missed`. */
export function loadPlainLine(progress: LoadProgress): string {
  const { elapsedMs, phase, operations, thresholds, validity, errors } = progress;
  const first = operations[0];
  const judged = thresholds.missed + thresholds.held;
  const parts = [
    visibleText(phase),
    rateText(progress),
    `${progress.inFlight} in flight`,
    first?.p95 === undefined ? "" : `p95 ${formatQuantity(first.p95, "ns")}`,
    first?.failedShare === undefined ? "" : `err ${formatShare(first.failedShare)}`,
    judged === 0 ? "" : `${thresholds.missed} of ${judged} thresholds missed`,
    errors[0] ? `${errors[0].count}× ${visibleText(errors[0].message)}` : "",
    validity.state === "valid" ? "" : `${validity.state}: ${visibleText(validity.reasons[0] ?? "")}`,
  ].filter((text) => text !== "");
  return `[${formatClock(elapsedMs)}] ${parts.join("  ")}`;
}
