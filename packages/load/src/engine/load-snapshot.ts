import type { Measurement, Validity } from "@mettle/results";
import type { MetricBoard } from "../metrics/metric-board.ts";
import type { ErrorEntry } from "./error-book.ts";
import type { ScenarioCounts } from "./scenario-run.ts";

/** Where one scenario stands, over all workers. */
export interface ScenarioProgress extends ScenarioCounts {
  readonly name: string;
  readonly executor: string;
  /** From the start of the run; `plannedEndMs` is Infinity where only control ends it. */
  readonly startMs: number;
  readonly plannedEndMs: number;
  /** Iterations to be run in all, where they are counted. */
  readonly plannedIterations?: number;
}

/** A load test at one moment. Plain data but for the functions, which compute from what was gathered so far. */
export interface LoadSnapshot {
  readonly elapsedMs: number;
  /** When the last scenario stops beginning iterations. */
  readonly plannedMs: number;
  /** Of the last second. */
  readonly startedPerSecond: number;
  /** Arrivals due in the last second; absent without an open scenario. */
  readonly duePerSecond?: number;
  readonly running: number;
  readonly waiting: number;
  readonly users: number;
  readonly scenarios: readonly ScenarioProgress[];
  readonly validity: Validity;
  /** Share of a core that the workers used in the last second, on average; absent where the system does not tell. */
  readonly cpuShare?: number;
  readonly errors: readonly ErrorEntry[];
  readonly board: MetricBoard;
  /** Every metric so far, as the run document will hold it. Costs some milliseconds. */
  measurements(): readonly Measurement[];
}
