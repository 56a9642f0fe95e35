import type { AllocationReply, CaseFailure, LoadedSuite, SlopeReply } from "./protocol.ts";
import type { Draw } from "./steady.ts";

/** Everything measured for one suite: raw, by process and by draw. */
export interface SuiteSamples {
  readonly file: string;
  readonly suite: LoadedSuite;
  readonly mode: "inside" | "against";
  readonly processes: ProcessSamples[];
  readonly allocations: Map<string, AllocationReply>;
  readonly records: Map<string, Map<string, number[]>>;
  readonly slopes: Map<string, readonly SlopeReply[]>;
  readonly failures: CaseFailure[];
  readonly notes: Set<string>;
  /** What the file left running after its last benchmark, by Node's names for it. */
  readonly left: Set<string>;
  /** How often a decision was sought. */
  looks: number;
  /** The error that the last look was allowed. */
  finalAlpha: number;
}

/** What one process gave, in nanoseconds an iteration. */
export interface ProcessSamples {
  readonly draws: readonly Draw[];
}
