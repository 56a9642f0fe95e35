import type { CaseFailure } from "./protocol.ts";

/** What the runner tells while it measures. Plain data: a live view, a log or a test may listen. */
export type BenchEvent =
  | { readonly kind: "plan"; readonly files: readonly string[] }
  | {
      readonly kind: "suite-start";
      readonly file: string;
      readonly suite: string;
      readonly cases: readonly string[];
      readonly processesMin: number;
      readonly processesMax: number;
    }
  | {
      readonly kind: "process-done";
      readonly file: string;
      readonly suite: string;
      readonly index: number;
      readonly of: number;
      readonly elapsedMs: number;
      readonly etaMs?: number;
    }
  | {
      readonly kind: "estimate";
      readonly case: string;
      readonly medianNs?: number;
      readonly ratio?: number;
      readonly low?: number;
      readonly high?: number;
    }
  | { readonly kind: "failure"; readonly file: string; readonly failure: CaseFailure }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "done" };

export type BenchListener = (event: BenchEvent) => void;
