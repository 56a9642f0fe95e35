import type { Run } from "@mettle/results";
import { reportErrors } from "./errors.ts";
import { formatDuration } from "./text/quantities.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Milliseconds since 1970 of an ISO 8601 time.
 *
 * @throws MettleError `REPORT_TIME_INVALID`
 */
export function epochMs(iso: string): number {
  const parsed = Date.parse(iso);
  if (Number.isNaN(parsed))
    throw reportErrors.create("REPORT_TIME_INVALID", "A time could not be read.", {
      details: { time: iso.slice(0, 100) },
    });
  return parsed;
}

/** `21 Nov 2026 08:07 UTC`: the same words on every machine, whatever its language and zone. */
export function formatTime(iso: string): string {
  const date = new Date(epochMs(iso));
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ""} ${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())} UTC`;
}

/** What was measured, when and where, as short facts. Text from outside is not yet made harmless. */
export function provenance(run: Run): string[] {
  const { environment, revision, profile } = run;
  const cores = environment.container?.cpus ?? environment.cpu.cores;
  return [
    run.name,
    profile === undefined ? run.kind : `${run.kind}, ${profile} profile`,
    ...(revision ? [formatRevision(revision)] : []),
    formatDuration(run.durationMs),
    `node ${environment.node.version.replace(/^v/, "")}`,
    `${Number(cores.toFixed(1))} × ${environment.cpu.model.trim()}`,
    formatTime(run.startedAt),
  ];
}

/** `a1b2c3d on main, changed`: seven digits of the commit, and whether the work tree differed from it. */
export function formatRevision({ commit, branch, dirty }: NonNullable<Run["revision"]>): string {
  return `${commit.slice(0, 7)}${branch === undefined ? "" : ` on ${branch}`}${dirty ? ", changed" : ""}`;
}
