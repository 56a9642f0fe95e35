import { omit } from "../omit.ts";

/**
 * What a measuring package tells while it works: plain data, so that emitter and view need not know each other (the
 * runner of `@mettle/bench` emits a subset of these). What an emitter does not know it leaves out.
 */
export type ProgressEvent =
  | {
      readonly kind: "plan";
      readonly files: readonly string[];
      readonly cases?: number;
      readonly processesMin?: number;
      readonly processesMax?: number;
      /** What the "processes" of this work are called. @defaultValue "process" */
      readonly unit?: string;
    }
  | {
      readonly kind: "suite-start";
      readonly file: string;
      readonly suite: string;
      readonly cases: readonly string[];
      readonly processesMin: number;
      readonly processesMax: number;
    }
  | { readonly kind: "case-start"; readonly file: string; readonly case: string }
  | {
      readonly kind: "process-done";
      readonly file: string;
      readonly suite?: string;
      /** Counted from 1. */
      readonly index: number;
      /** Planned at most; fewer when the interval decides earlier. */
      readonly of: number;
      readonly elapsedMs: number;
      /** Expected time to the end of what `of` counts, from now. */
      readonly etaMs?: number;
    }
  | {
      readonly kind: "estimate";
      readonly case: string;
      readonly medianNs?: number;
      /** candidate / baseline, with its interval. */
      readonly ratio?: number;
      readonly low?: number;
      readonly high?: number;
    }
  | {
      readonly kind: "failure";
      readonly file: string;
      readonly failure: { readonly case: string; readonly kind: string; readonly message: string };
    }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "done" };

/** What is known at one moment. All times are the view's own, in milliseconds since the first event. */
export interface ProgressState {
  readonly files: readonly string[];
  /** Position of the current file, from 0; −1 before the first. */
  readonly fileIndex: number;
  readonly file?: string;
  readonly suite?: string;
  readonly currentCase?: string;
  readonly casesPlanned?: number;
  /** What `processes` counts. */
  readonly unit: string;
  readonly processes: { readonly done: number; readonly atMost: number; readonly atLeast?: number };
  readonly remaining?: { readonly ms: number; readonly saidAtMs: number };
  /** In the order first heard of. */
  readonly estimates: ReadonlyMap<string, Estimate>;
  readonly failures: number;
  readonly done: boolean;
}

interface Estimate {
  readonly medianNs?: number;
  readonly ratio?: number;
  readonly low?: number;
  readonly high?: number;
}

export const initialProgress: ProgressState = {
  files: [],
  fileIndex: -1,
  unit: "process",
  processes: { done: 0, atMost: 0 },
  estimates: new Map(),
  failures: 0,
  done: false,
};

/** The state after one event. Pure. */
export function advanceProgress(state: ProgressState, event: ProgressEvent, atMs: number): ProgressState {
  switch (event.kind) {
    case "plan": {
      const { files, cases, processesMin, processesMax, unit = "process" } = event;
      return {
        ...state,
        files,
        unit,
        ...(cases !== undefined && { casesPlanned: cases }),
        processes: {
          done: 0,
          atMost: processesMax ?? 0,
          ...(processesMin !== undefined && { atLeast: processesMin }),
        },
      };
    }
    case "suite-start": {
      const rest = omit(inFile(state, event.file), "currentCase", "remaining");
      const processes = { done: 0, atMost: event.processesMax, atLeast: event.processesMin };
      return { ...rest, suite: event.suite, processes };
    }
    case "case-start":
      return { ...inFile(state, event.file), currentCase: event.case };
    case "process-done":
      return {
        ...inFile(state, event.file),
        ...(event.suite !== undefined && { suite: event.suite }),
        processes: { ...state.processes, done: event.index, atMost: event.of },
        ...(event.etaMs !== undefined && { remaining: { ms: event.etaMs, saidAtMs: atMs } }),
      };
    case "estimate": {
      const estimates = new Map(state.estimates);
      estimates.set(event.case, { ...estimates.get(event.case), ...omit(event, "kind", "case") });
      return { ...state, estimates };
    }
    case "failure":
      return { ...state, failures: state.failures + 1 };
    case "note":
      return state;
    case "done":
      break;
  }
  return { ...state, done: true };
}

/** Entering another file forgets what was said of the one before. */
function inFile(state: ProgressState, file: string): ProgressState {
  if (state.file === file) return state;
  const position = state.files.indexOf(file);
  return {
    ...omit(state, "suite", "currentCase", "remaining"),
    file,
    fileIndex: position >= 0 ? position : state.fileIndex + 1,
    processes: state.fileIndex === -1 ? state.processes : { ...state.processes, done: 0 },
  };
}

/** Share of all work done, 0 … 1. A file's processes count against the most it may take: it may end sooner, never later. */
export function fractionDone(state: ProgressState): number {
  if (state.done) return 1;
  const files = Math.max(1, state.files.length);
  const { done, atMost } = state.processes;
  const within = atMost > 0 ? Math.min(1, done / atMost) : 0;
  return Math.min(1, (Math.max(0, state.fileIndex) + within) / files);
}

/**
 * Expected milliseconds to the end: what the emitter said for the last file, else in proportion to the work done.
 * Undefined until a tenth of the work shows how fast it goes.
 */
export function timeLeft(state: ProgressState, nowMs: number): number | undefined {
  const isLastFile = state.fileIndex >= state.files.length - 1;
  if (state.remaining && isLastFile) return Math.max(0, state.remaining.ms - (nowMs - state.remaining.saidAtMs));
  const fraction = fractionDone(state);
  return fraction < 0.1 ? undefined : (nowMs * (1 - fraction)) / fraction;
}
