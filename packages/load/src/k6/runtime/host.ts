/** Words of k6 for how much a message matters. */
export type LogLevel = "debug" | "info" | "warning" | "error";

interface ScenarioProgress {
  readonly executor: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  /** 0 to 1. */
  readonly progress: number;
}

interface InstanceProgress {
  readonly iterationsCompleted: number;
  readonly iterationsInterrupted: number;
  readonly vusActive: number;
  readonly vusInitialized: number;
  /** Milliseconds since the run began. */
  readonly currentTestRunDuration: number;
}

/**
 * What a script may ask of the run it is part of. A part that is absent makes the script's question an error, never a
 * made-up answer.
 */
export interface K6Host {
  log(level: LogLevel, message: string): void;
  /** `test.abort()`: ends the run early, with teardown and summary. */
  abort?(reason: string): void;
  /** `test.fail()`: the run goes on, and has failed. */
  fail?(reason: string): void;
  scenario?(name: string): ScenarioProgress;
  instance?(): InstanceProgress;
}

/** Writes to stderr, so that results on stdout stay clean. */
export const consoleHost: K6Host = {
  log: (level, message) => void process.stderr.write(`${level.toUpperCase().padEnd(7)} ${message}\n`),
};
