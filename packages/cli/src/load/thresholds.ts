import { parseDurationMs } from "@mettle/core";
import { type Finding, judgeThreshold, type ResolvedPolicy, type ThresholdRule, type Thresholds } from "@mettle/judge";
import type { LoadSnapshot, Submetric } from "@mettle/load";
import type { Run } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import { pairs } from "./pairs.ts";

/** The thresholds of the script and of the command line, as the policy holds them; a flag's come beside the script's. */
export function thresholdsOf(
  given: Readonly<Record<string, unknown>> | undefined,
  context: CommandContext,
): Thresholds {
  if (context.flags.on("no-thresholds")) return {};
  const flags = pairs(context, "threshold", /\s*:\s+/);
  const all: Record<string, unknown> = { ...given };
  for (const [metric, rule] of Object.entries(flags)) {
    const known = all[metric];
    all[metric] = known === undefined ? rule : [...(Array.isArray(known) ? (known as unknown[]) : [known]), rule];
  }
  // Checked where the policy is resolved.
  return all as Thresholds;
}

/** Parts of metrics that rules speak of, which the recorder must keep apart. */
export function submetricsOf(policy: ResolvedPolicy): readonly Submetric[] {
  return policy.thresholds.flatMap(({ selector }) =>
    Object.keys(selector.tags).length > 0 ? [{ metric: selector.metric, tags: selector.tags }] : [],
  );
}

/** The shortest window that a threshold is judged by, in ms. */
export function shortestWindowMs(policy: ResolvedPolicy): number | undefined {
  const windows = policy.thresholds.flatMap(({ threshold }) => (threshold.window ? [threshold.window.ms] : []));
  return windows.length > 0 ? Math.min(...windows) : undefined;
}

export interface LiveThreshold {
  readonly rule: ThresholdRule;
  readonly missed: boolean;
  readonly finding: Finding | undefined;
}

/** Judges thresholds while the run goes on. What has no data yet is neither missed nor held. */
export class LiveThresholds {
  readonly #policy: ResolvedPolicy;
  readonly #frame: Run;

  /** @param frame - a run document without measurements */
  constructor(policy: ResolvedPolicy, frame: Run) {
    this.#policy = policy;
    this.#frame = frame;
  }

  judge(snapshot: LoadSnapshot): readonly LiveThreshold[] {
    const seconds = snapshot.elapsedMs / 1000;
    const wanted = new Set(this.#policy.thresholds.map(({ selector }) => selector.metric));
    const measurements = snapshot.board.rows
      .filter(({ definition, count }) => count > 0 && wanted.has(definition.name))
      .map((row) => row.measurement(seconds));
    const run: Run = { ...this.#frame, durationMs: snapshot.elapsedMs, measurements };
    return this.#policy.thresholds.map((rule) => {
      const findings = judgeThreshold(rule, run, this.#policy);
      const finding = findings.find(({ state }) => state === "failed" || state === "warning") ?? findings[0];
      return { rule, finding, missed: finding?.state === "failed" || finding?.state === "warning" };
    });
  }

  /** The first threshold that is missed, says to abort, and has waited as long as it asks. */
  aborting(judged: readonly LiveThreshold[], elapsedMs: number): LiveThreshold | undefined {
    return judged.find(({ rule, missed }) => {
      const delayMs = rule.delayAbortEval === undefined ? 0 : parseDurationMs(rule.delayAbortEval);
      return missed && rule.abortOnFail === true && elapsedMs >= delayMs;
    });
  }
}
