import type { MettleError } from "@mettle/core";
import type { RunControl, ScenarioStanding, WorkerStanding } from "../../engine/run-control.ts";
import { k6Errors } from "../errors.ts";

/** Words of k6 for how much a message matters. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/**
 * What a script may ask of the run it is part of. A part that is absent makes the script's question an error, never a
 * made-up answer.
 */
export interface K6Host {
  log(level: LogLevel, message: string): void;
  /** `test.abort()`: ends the run early, with teardown and summary. */
  abort?(reason: MettleError): void;
  /** `test.fail()`: the run goes on, and has failed. */
  fail?(reason: string): void;
  scenario?(name: string): ScenarioStanding | undefined;
  instance?(): WorkerStanding;
}

/** Writes to stderr, so that results on stdout stay clean. */
export const consoleHost: K6Host = {
  log: (level, message) => void process.stderr.write(`${level.toUpperCase().padEnd(7)} ${message}\n`),
};

/** A host over the run that a worker is part of; before it is attached to one, nothing of the run is known. */
export class RunHost implements K6Host {
  #run: RunControl | undefined;
  #failed = false;

  attach(run: RunControl): void {
    this.#run = run;
  }

  log(level: LogLevel, message: string): void {
    consoleHost.log(level, message);
  }

  abort(reason: MettleError): void {
    this.#run?.end(reason);
  }

  fail(reason: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#run?.fail(k6Errors.create("K6_MARKED_FAILED", reason, { details: { reason } }));
  }

  scenario(name: string): ScenarioStanding | undefined {
    return this.#run?.scenario(name);
  }

  instance(): WorkerStanding {
    if (this.#run) return this.#run.worker();
    throw new Error("exec.instance is known only while the run goes on");
  }
}
