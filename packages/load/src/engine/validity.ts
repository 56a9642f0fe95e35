import type { Validity } from "@mettle/results";
import type { ThreadHealth } from "./thread-health.ts";

/**
 * Beyond which the generator, and not the system under test, made the figures. By judgement: a healthy generator on a
 * shared machine stays well inside; one that gets 70 % of a core or less, or is asked for more than it can do, does not.
 */
const validityLimits = {
  /** Of the time a worker wanted to run, the share in which it ran. */
  grantedInvalid: 0.75,
  grantedDegraded: 0.85,
  /** Waiting for a core under this share of the time is no starvation, however little was run. */
  waitShareLeast: 0.05,
  /** Of the time, the share a worker had work to do; watching the clock is not work. */
  busyInvalid: 0.97,
  busyDegraded: 0.9,
  /** This busy, and behind its schedule by more than `dispatchP99InvalidMs`: it was asked for more than it can do. */
  busyBehind: 0.8,
  dispatchP99InvalidMs: 50,
  dispatchP99DegradedMs: 10,
  /** Lateness under this share of the response time it is part of distorts nothing. */
  dispatchShareOfResponse: 0.1,
  loopDelayDegradedMs: 50,
  gcShareDegraded: 0.15,
  /** Arrivals begun of those due. */
  achievedDegraded: 0.95,
} as const;

/** What a worker went through, added up. */
export class HealthRecord {
  wallMs = 0;
  runMs = 0;
  waitMs = 0;
  /** Wall time of the readings in which the scheduler told of itself. */
  toldMs = 0;
  spinMs = 0;
  gcMs = 0;
  gcLongestMs = 0;
  loopDelayP99Ms = 0;
  /** Time in which it waited for a core more than a quarter of the time it wanted one. */
  starvedMs = 0;

  add(health: ThreadHealth): void {
    const { wallMs, runMs, waitMs } = health;
    this.wallMs += wallMs;
    if (runMs !== undefined && waitMs !== undefined) {
      this.runMs += runMs;
      this.waitMs += waitMs;
      this.toldMs += wallMs;
      const { grantedInvalid, waitShareLeast } = validityLimits;
      if (runMs < grantedInvalid * (runMs + waitMs) && waitMs > waitShareLeast * wallMs) this.starvedMs += wallMs;
    }
    this.spinMs += health.idleSpinMs;
    this.gcMs += health.gcMs;
    this.gcLongestMs = Math.max(this.gcLongestMs, health.gcLongestMs);
    this.loopDelayP99Ms = Math.max(this.loopDelayP99Ms, health.loopDelayP99Ms);
  }

  /** Of the time it wanted to run, the share in which it did. Undefined where the system does not tell. */
  get granted(): number | undefined {
    const wanted = this.runMs + this.waitMs;
    return wanted > 0 ? this.runMs / wanted : undefined;
  }

  get waitShare(): number {
    return this.toldMs > 0 ? this.waitMs / this.toldMs : 0;
  }

  /** Share of the time in which it worked, or would have with a core. */
  get busy(): number | undefined {
    return this.toldMs > 0 ? Math.max(0, this.runMs - this.spinMs + this.waitMs) / this.toldMs : undefined;
  }
}

/** What validity is judged by, of a whole run. */
export interface ValidityEvidence {
  readonly workers: readonly HealthRecord[];
  readonly lost: readonly string[];
  /** Percentile 99 of how late the schedule was looked at, and of the response times it is part of. */
  readonly dispatchP99Ms?: number;
  readonly responseP99Ms?: number;
  /** Percentile 99 of how late iterations began, waiting for a user included. */
  readonly startDelayP99Ms?: number;
  /** Whether anything was scheduled: without, a busy generator sets the pace, but no moment is missed. */
  readonly scheduled: boolean;
  readonly due: number;
  readonly started: number;
  readonly dropped: number;
  readonly unstarted: number;
}

type Finding = readonly [state: "degraded" | "invalid", reason: string];

/** Whether a run's figures are those of the system under test; in words, most serious first. Pure. */
export function judgeValidity(evidence: ValidityEvidence): Validity {
  const findings = [
    ...evidence.lost.map((reason): Finding => ["invalid", reason]),
    ...evidence.workers.flatMap((worker) => workerFindings(worker, evidence.scheduled)),
    ...behindFindings(evidence),
    ...scheduleFindings(evidence),
  ];
  // Several workers may have the same trouble; one sentence is enough.
  const unique = [...new Map(findings.map((finding) => [finding[1], finding])).values()];
  const invalid = unique.filter(([state]) => state === "invalid");
  const degraded = unique.filter(([state]) => state === "degraded");
  return {
    state: invalid.length > 0 ? "invalid" : degraded.length > 0 ? "degraded" : "valid",
    reasons: [...invalid, ...degraded].map(([, reason]) => reason),
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function workerFindings(worker: HealthRecord, scheduled: boolean): readonly Finding[] {
  const limits = validityLimits;
  const findings: Finding[] = [];
  const { granted, busy, waitShare } = worker;
  if (granted !== undefined && waitShare > limits.waitShareLeast && granted < limits.grantedDegraded) {
    const state = granted < limits.grantedInvalid ? "invalid" : "degraded";
    findings.push([
      state,
      `generator-bound: a worker got ${percent(granted)} of a core when it wanted one, and waited ${percent(waitShare)} of the time`,
    ]);
  } else if (worker.starvedMs > 0.1 * worker.toldMs) {
    const share = worker.starvedMs / worker.toldMs;
    findings.push([
      share > 0.3 ? "invalid" : "degraded",
      `generator-bound: a worker waited for a core in ${percent(share)} of the run's seconds`,
    ]);
  }
  if (busy !== undefined && busy > limits.busyDegraded) {
    findings.push([
      busy > limits.busyInvalid && scheduled ? "invalid" : "degraded",
      `generator-bound: a worker had work to do ${percent(busy)} of the time, so it set the pace; add workers or lower the load`,
    ]);
  }
  if (worker.loopDelayP99Ms > limits.loopDelayDegradedMs) {
    findings.push([
      "degraded",
      `a worker's event loop was up to ${Math.round(worker.loopDelayP99Ms)} ms late (percentile 99): code of the script, or a lack of cores`,
    ]);
  }
  if (worker.wallMs > 0 && worker.gcMs > limits.gcShareDegraded * worker.wallMs) {
    findings.push([
      "degraded",
      `a worker spent ${percent(worker.gcMs / worker.wallMs)} of the time collecting garbage`,
    ]);
  }
  return findings;
}

/**
 * Behind its schedule with hardly a moment to spare: whether the server could have taken more cannot be known. A server that
 * is too slow for the schedule leaves the generator idle instead.
 */
function behindFindings({ workers, startDelayP99Ms = 0 }: ValidityEvidence): readonly Finding[] {
  const busiest = Math.max(0, ...workers.flatMap(({ busy }) => (busy === undefined ? [] : [busy])));
  if (busiest < validityLimits.busyBehind || startDelayP99Ms < validityLimits.dispatchP99InvalidMs) return [];
  const late = `${Math.round(startDelayP99Ms)} ms late (percentile 99)`;
  const reason = `generator-bound: iterations began up to ${late} while a worker had work to do ${percent(busiest)} of the time; add workers or lower the load`;
  return [["invalid", reason]];
}

function scheduleFindings(evidence: ValidityEvidence): readonly Finding[] {
  const limits = validityLimits;
  const { dispatchP99Ms, responseP99Ms, due, started, dropped, unstarted } = evidence;
  const findings: Finding[] = [];
  if (dispatchP99Ms !== undefined && dispatchP99Ms > limits.dispatchP99DegradedMs) {
    const matters = responseP99Ms === undefined || dispatchP99Ms > limits.dispatchShareOfResponse * responseP99Ms;
    if (matters) {
      findings.push([
        dispatchP99Ms > limits.dispatchP99InvalidMs ? "invalid" : "degraded",
        `generator-bound: requests left up to ${dispatchP99Ms.toFixed(1)} ms late (percentile 99) by the generator's own fault`,
      ]);
    }
  }
  if (due > 0 && started < limits.achievedDegraded * due) {
    const missing = dropped > 0 ? `${dropped} dropped` : `${unstarted} never started`;
    findings.push([
      "degraded",
      `${percent(started / due)} of the schedule was sent (${missing}): every user was busy; raise maxVUs, or the system cannot take this rate`,
    ]);
  }
  return findings;
}
