import type { RecorderOptions } from "../metrics/worker-recorder.ts";
import type { Tags } from "../metrics/recorder.ts";
import type { Punctuality } from "./precise-timer.ts";
import type { ExecutorName } from "./scenario-plan.ts";

/** `"30s"`, `"1m30s"`, `"500ms"`, or milliseconds. */
export type Duration = string | number;

export interface StageOptions {
  readonly duration: Duration;
  /** Users, or arrivals per `timeUnit`, at the end of the stage. */
  readonly target: number;
}

/** One scenario. The names and what they mean are k6's; `poisson`, `gamma`, `trace` and `overflow` are ours. */
export interface ScenarioOptions {
  readonly executor: ExecutorName;
  /** After the start of the run. @defaultValue 0 */
  readonly startTime?: Duration;
  /** How long iterations may go on after the end. @defaultValue "30s" */
  readonly gracefulStop?: Duration;
  /** Which function runs. */
  readonly exec?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly tags?: Tags;
  /** Closed executors. @defaultValue 1 */
  readonly vus?: number;
  readonly startVUs?: number;
  readonly stages?: readonly StageOptions[];
  /** `ramping-vus`: how long a user that is one too many may finish. @defaultValue "30s" */
  readonly gracefulRampDown?: Duration;
  /** In total for `shared-iterations`, for each user for `per-vu-iterations`. @defaultValue 1 */
  readonly iterations?: number;
  /** Of the executors that count iterations. @defaultValue "10m" */
  readonly maxDuration?: Duration;
  readonly duration?: Duration;
  /** Arrivals per `timeUnit`. */
  readonly rate?: number;
  readonly startRate?: number;
  /** @defaultValue "1s" */
  readonly timeUnit?: Duration;
  /** Users made before the start; more are made when needed, up to `maxVUs`. */
  readonly preAllocatedVUs?: number;
  /** Most iterations in flight. @defaultValue preAllocatedVUs */
  readonly maxVUs?: number;
  /** An arrival that finds nobody free waits (and its waiting counts), or is dropped. @defaultValue "queue" */
  readonly overflow?: "queue" | "drop";
  /** `gamma`: gaps vary by 1/√shape; below 1 bursts, 1 is Poisson. */
  readonly shape?: number;
  /** `trace`: moments of arrivals in ms from the start, ascending. */
  readonly times?: readonly number[];
  /** `trace`: 2 replays in half the time. @defaultValue 1 */
  readonly speed?: number;
}

/** What a load test asks of the engine. Without `scenarios`, the short forms make one named `default`. */
export interface LoadOptions extends Pick<RecorderOptions, "splitBy" | "maxSeries" | "maxTagSets"> {
  readonly scenarios?: Readonly<Record<string, ScenarioOptions>>;
  readonly vus?: number;
  readonly duration?: Duration;
  readonly iterations?: number;
  readonly stages?: readonly StageOptions[];
  /** Arrivals per second over `duration`: a short form of `constant-arrival-rate`. */
  readonly rate?: number;
  /** Most requests a second, over all users. @defaultValue no limit */
  readonly rps?: number;
  /** Selector → thresholds; judged by whoever runs the test. */
  readonly thresholds?: Readonly<Record<string, unknown>>;
  /** On every sample. */
  readonly tags?: Tags;
  readonly env?: Readonly<Record<string, string>>;
  /** @defaultValue "60s" */
  readonly setupTimeout?: Duration;
  /** @defaultValue "60s" */
  readonly teardownTimeout?: Duration;
  readonly noSetup?: boolean;
  readonly noTeardown?: boolean;
  /** Of everything random. @defaultValue 1 */
  readonly seed?: number;
  /** Threads that make load. @defaultValue 1 */
  readonly workers?: number;
  /** @defaultValue "end" */
  readonly punctuality?: Punctuality;
}
