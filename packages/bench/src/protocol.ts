import type { Direction } from "@mettle/results";
import type { MetricUnit } from "@mettle/core";

export interface TimerCosts {
  /** One pair of clock reads. */
  readonly timerNs: number;
  /** One turn of the loop around an empty synchronous body. */
  readonly loopNs: number;
}

// What the runner and a measuring process say to each other. Plain data, over Node's IPC channel.

/** Which arm of a suite: a case, or the hidden twin of the baseline that the self-check runs. */
export type ArmId = string;

/** What a relay runs; each side has the same, and derives the same order from it. */
export interface RelayPlan {
  readonly seed: number;
  readonly blocks: number;
  readonly arms: readonly ArmId[];
  /** How many processes take part. */
  readonly sides: number;
  /**
   * An arm that relates the machine and not the builds: it runs on one side, in one block of so many. The side is drawn
   * anew each time, as whoever runs it finds other caches and another heap afterwards (seen: 0.3 % faster).
   */
  readonly reference: { readonly arm: ArmId; readonly every: number };
}

/** `time`: how long a call takes; `record`: what calls return; `slope`: memory per thing, or growth over cycles. */
export type CaseKind = "time" | "record" | "slope";

export interface LoadedCase {
  /** Unique in the file: suite titles, title and parameters. */
  readonly id: string;
  readonly kind: CaseKind;
  readonly title: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly baseline: boolean;
  readonly timeoutMs?: number;
  readonly requirement?: readonly string[];
  readonly units?: Readonly<Record<string, { readonly unit: MetricUnit; readonly direction: Direction }>>;
}

export interface LoadedSuite {
  readonly index: number;
  readonly titles: readonly string[];
  readonly compare: boolean;
  readonly cases: readonly LoadedCase[];
}

export interface CaseFailure {
  readonly case: string;
  /**
   * `threw`, `rejected`, `deadline`, `not-finite`, `negative`: in a call of the body. `unhandled`: outside any call. `hook`.
   * `load`, `definition`: the file. `reload`: the file, when loaded again in the same process. `timeout`, `died`,
   * `memory`: its process.
   */
  readonly kind: string;
  readonly message: string;
  readonly stack?: string;
}

/** From the runner to a measuring process; each is answered by one message. */
export type Request =
  | {
      readonly type: "load";
      readonly file: string;
      readonly twin: boolean;
      readonly seed: number;
      readonly excluded: readonly string[];
      readonly filter?: string;
      readonly markerFile: string;
    }
  | {
      readonly type: "prepare";
      readonly suite: number;
      readonly iterations: Readonly<Record<ArmId, number>>;
      readonly warmupMs: number;
    }
  | {
      readonly type: "blocks";
      readonly suite: number;
      readonly durationMs: number;
      readonly minBlocks: number;
      readonly maxBlocks: number;
      readonly seed: number;
    }
  | ({
      readonly type: "relay";
      readonly suite: number;
      /** Which side this process is. */
      readonly place: number;
      /** The sides' pipes. */
      readonly pipes: readonly string[];
    } & RelayPlan)
  | { readonly type: "records"; readonly suite: number; readonly durationMs: number }
  | { readonly type: "memory"; readonly suite: number; readonly durationMs: number }
  | { readonly type: "slopes"; readonly suite: number }
  | {
      readonly type: "finish";
      readonly suite: number;
      /** Whether to leave its compiled code to the processes that come after. Takes some 10 ms. */
      readonly keepCode: boolean;
    };

export type Reply =
  | {
      readonly type: "loaded";
      readonly suites: readonly LoadedSuite[];
      readonly costs: TimerCosts;
      /** Why a second instance of the file could not be had in this process. */
      readonly onlyOnce?: string;
    }
  | {
      readonly type: "prepared";
      readonly iterations: Readonly<Record<ArmId, number>>;
      readonly failures: readonly CaseFailure[];
      readonly onlyOnce?: string;
    }
  | {
      readonly type: "blocks";
      readonly samples: Readonly<Record<ArmId, Float32Array>>;
      readonly failures: readonly CaseFailure[];
    }
  | {
      readonly type: "relay";
      readonly samples: Readonly<Record<ArmId, Float32Array>>;
      readonly failures: readonly CaseFailure[];
    }
  | {
      readonly type: "records";
      readonly values: Readonly<Record<string, Readonly<Record<string, Float64Array>>>>;
      readonly failures: readonly CaseFailure[];
    }
  | {
      readonly type: "memory";
      readonly allocations: Readonly<Record<ArmId, AllocationReply>>;
      readonly failures: readonly CaseFailure[];
    }
  | {
      readonly type: "slopes";
      readonly slopes: Readonly<Record<string, readonly SlopeReply[]>>;
      readonly failures: readonly CaseFailure[];
    }
  | {
      readonly type: "finished";
      /** What keeps the event loop alive that did not before the file was loaded, by Node's names. */
      readonly left: readonly string[];
      readonly failures: readonly CaseFailure[];
    }
  /** An error outside any call, in a timer or a forgotten promise; where `case` is empty the marker may know it. */
  | { readonly type: "broken"; readonly failure: CaseFailure }
  | {
      readonly type: "failed";
      readonly where: "load" | "reload" | "definition" | "hook";
      readonly message: string;
      readonly stack?: string;
    };

/**
 * The marker, a file of three bytes that a measuring process overwrites as it goes: the case it is at (its place in the
 * suite from 1, little endian, or 0) and whether it is in a sample, to which the case's time limit applies, or in a
 * hook. It outlives a process that was killed, and can be read beside one that is stuck.
 */
export const marker: { readonly bytes: 3; readonly inHook: 0; readonly inSample: 1 } = {
  bytes: 3,
  inHook: 0,
  inSample: 1,
};

/** A slope with its interval: bytes a thing, bytes a cycle, bytes an hour. */
export interface SlopeReply {
  readonly suffix: string;
  readonly unit: "bytes" | "bytes/h";
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Points that the slope was fitted to. */
  readonly count: number;
  readonly note?: string;
}

/** What one iteration allocates. */
export interface AllocationReply {
  /** Median over windows; `low` and `high` are the least and the greatest window. */
  readonly bytesPerOperation: number;
  readonly low: number;
  readonly high: number;
  readonly gcCountPerOperation: number;
  readonly gcPauseNsPerOperation: number;
  /** False when the time was over before the figure stood still. */
  readonly settled: boolean;
  readonly offHeapBytesPerOperation?: number;
}

export const twinSuffix = "\u0000twin";
/** Of a case's arm in the other build, where two builds are compared. */
export const baselineSuffix = "\u0000baseline";
/** The frozen reference workload that runs beside every suite. */
export const controlArm = "\u0000control";
