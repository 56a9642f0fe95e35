import { workloadErrors } from "./errors.ts";
import type { StepMeasures } from "./step-measures.ts";

/** Limits that a request must keep to be good output, all in milliseconds. */
export interface RequestObjectives {
  readonly timeToFirstTokenMs?: number;
  /** From the scheduled moment where there is one. */
  readonly timeToFirstTokenFromScheduledMs?: number;
  readonly timePerOutputTokenMs?: number;
  readonly endToEndMs?: number;
}

const measured = {
  timeToFirstTokenMs: "timeToFirstToken",
  timeToFirstTokenFromScheduledMs: "timeToFirstTokenFromScheduled",
  timePerOutputTokenMs: "timePerOutputToken",
  endToEndMs: "endToEnd",
} as const satisfies Record<keyof RequestObjectives, keyof StepMeasures>;

/** @throws MettleError `SLO_INVALID` naming every limit that is not a number above 0, and every unknown one */
export function checkObjectives(objectives: RequestObjectives): void {
  const problems = Object.entries(objectives).flatMap(([name, limit]: [string, unknown]) => {
    if (!Object.hasOwn(measured, name)) return [`there is no objective ${name}`];
    return typeof limit === "number" && limit > 0 ? [] : [`${name} is ${String(limit)}`];
  });
  if (problems.length > 0) {
    throw workloadErrors.create("SLO_INVALID", `Objectives: ${problems.join("; ")}.`, { details: { problems } });
  }
}

/**
 * Good: succeeded and within every limit. Hot: once a request. An objective on what a request of this kind has not got (the
 * time per output token of a reply of one token) does not apply to it; one on what it should have had, a first token,
 * is missed.
 *
 * @param override - limits for this request alone; they replace those of the same name
 */
export function isGood(measures: StepMeasures, objectives: RequestObjectives, override?: RequestObjectives): boolean {
  if (!measures.ok) return false;
  return (
    within(measures.timeToFirstToken, override?.timeToFirstTokenMs ?? objectives.timeToFirstTokenMs, false) &&
    within(
      measures.timeToFirstTokenFromScheduled ?? measures.timeToFirstToken,
      override?.timeToFirstTokenFromScheduledMs ?? objectives.timeToFirstTokenFromScheduledMs,
      false,
    ) &&
    within(measures.timePerOutputToken, override?.timePerOutputTokenMs ?? objectives.timePerOutputTokenMs, true) &&
    within(measures.endToEnd, override?.endToEndMs ?? objectives.endToEndMs, false)
  );
}

const within = (value: number | undefined, limit: number | undefined, whenAbsent: boolean): boolean =>
  limit === undefined || (value === undefined ? whenAbsent : value <= limit);
