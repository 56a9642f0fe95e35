import { formatChange } from "@mettle/core";
import type { Painter } from "../text/color.ts";
import { alignQuantities, formatClock, formatRatioInterval } from "../text/quantities.ts";
import { layoutTable } from "../text/table.ts";
import { visibleText } from "../text/visible.ts";
import { textWidth, truncateEnd, truncateMiddle } from "../text/width.ts";
import { fractionDone, type ProgressEvent, type ProgressState, timeLeft } from "./progress.ts";

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** Rows of the running table at most, so that the frame stays a corner of the screen and not all of it. */
const TABLE_ROWS = 10;
const BAR_CELLS = 32;
const SHORTEST_BAR = 8;

/** The live view at one moment: at most `height` lines of at most `width` cells. Pure. */
export function renderFrame(state: ProgressState, nowMs: number, size: FrameSize, paint: Painter): string[] {
  const lines = [headLine(state, size.width, paint), barLine(state, nowMs, size.width, paint)];
  const rows = Math.min(TABLE_ROWS, size.height - lines.length - 2);
  if (rows > 0 && state.estimates.size > 0) lines.push("", ...estimateTable(state, rows, size.width, paint));
  return lines.slice(0, Math.max(1, size.height));
}

function headLine(state: ProgressState, width: number, paint: Painter): string {
  const place = state.files.length > 1 ? `  file ${Math.max(0, state.fileIndex) + 1} of ${state.files.length}` : "";
  const failures = state.failures > 0 ? `  ${state.failures} failed` : "";
  const name = visibleText([state.file ?? "starting", state.suite, state.currentCase].filter(Boolean).join(" › "));
  const fitted = truncateMiddle(name, width - 1 - place.length - failures.length);
  return ` ${paint("strong", fitted)}${paint("dim", place)}${paint("bad", failures)}`;
}

function barLine(state: ProgressState, nowMs: number, width: number, paint: Painter): string {
  const left = timeLeft(state, nowMs);
  const facts = [
    formatClock(nowMs),
    ...(left === undefined ? [] : [`about ${formatClock(left)} left`]),
    processesText(state),
  ]
    .filter((text) => text !== "")
    .join("   ");
  // The figures come first: the bar takes what they leave, and none where that would be a stub.
  const room = Math.min(BAR_CELLS, width - textWidth(facts) - 3);
  if (room < SHORTEST_BAR) return ` ${truncateEnd(facts, width - 1)}`;
  const filled = Math.floor(fractionDone(state) * room);
  return ` ${"█".repeat(filled)}${paint("dim", "░".repeat(room - filled))}  ${facts}`;
}

/** `process 12 of 10–28`: the range says that it may end at any of them. */
function processesText({ unit, processes: { done, atMost, atLeast } }: ProgressState): string {
  if (atMost === 0) return "";
  const range = atLeast !== undefined && atLeast < atMost ? `${atLeast}–${atMost}` : String(atMost);
  return `${unit} ${done} of ${range}`;
}

function estimateTable(state: ProgressState, rows: number, width: number, paint: Painter): readonly string[] {
  // The last heard of are the ones being measured.
  const all = [...state.estimates];
  const shown = all.slice(-rows);
  const of = shown.map(([, estimate]) => estimate);
  const table = layoutTable(
    [
      { title: "case", align: "left", cells: shown.map(([name]) => ({ text: visibleText(name) })), shrinkTo: 20 },
      {
        title: "median",
        align: "right",
        cells: alignQuantities(
          of.map(({ medianNs }) => medianNs),
          "ns",
        ).map((text) => ({ text })),
      },
      {
        title: "change",
        align: "right",
        cells: of.map(({ ratio }) => ({ text: ratio === undefined ? "" : formatChange(ratio - 1) })),
      },
      {
        title: "so far",
        align: "left",
        cells: of.map(({ low, high }) => ({
          text: low === undefined || high === undefined ? "" : formatRatioInterval(low, high),
          tone: "dim" as const,
        })),
        dropOrder: 1,
      },
    ],
    { width, indent: 1, paint },
  );
  return table.lines;
}

/** The state as one line for logs: `[00:40] registry.bench.ts  process 12 of 10–28  about 01:10 left`. */
export function plainLine(state: ProgressState, nowMs: number): string {
  const left = timeLeft(state, nowMs);
  const place = state.files.length > 1 ? ` (${Math.max(0, state.fileIndex) + 1} of ${state.files.length})` : "";
  const last = [...state.estimates].at(-1);
  const parts = [
    `${visibleText(state.file ?? "starting")}${place}`,
    processesText(state),
    last ? estimateText(...last) : visibleText(state.currentCase ?? ""),
    state.failures > 0 ? `${state.failures} failed` : "",
    left === undefined ? "" : `about ${formatClock(left)} left`,
  ].filter((text) => text !== "");
  return `[${formatClock(nowMs)}] ${parts.join("  ")}`;
}

function estimateText(
  name: string,
  { medianNs, ratio }: { readonly medianNs?: number; readonly ratio?: number },
): string {
  const time = medianNs === undefined ? "" : ` ${alignQuantities([medianNs], "ns")[0] ?? ""}`;
  return `${visibleText(name)}${time}${ratio === undefined ? "" : ` ${formatChange(ratio - 1)}`}`;
}

/** What an event is worth saying at once and for good, or undefined for what only moves the numbers. */
export function announcement(event: ProgressEvent): string | undefined {
  switch (event.kind) {
    case "note":
      return `note: ${visibleText(event.text)}`;
    case "failure":
      return visibleText(`${event.failure.case}: ${event.failure.kind}: ${event.failure.message}`);
    default:
      return undefined;
  }
}
