import type { Host } from "./host.ts";
import type { AllocationReply, ArmId, CaseFailure, LoadedCase, LoadedSuite, SlopeReply } from "./protocol.ts";

/** What one draw measures: a fresh instance of a file's suite. */
export interface DrawRequest {
  readonly file: string;
  readonly suite: LoadedSuite;
  readonly filter?: string;
  readonly excluded: readonly string[];
  /** Iterations in a sample, by arm, where earlier draws settled them. */
  readonly iterations: Readonly<Record<ArmId, number>>;
  /** Whether to run the hidden twin of the baseline. */
  readonly twin: boolean;
  readonly seed: number;
  /** Whether the compiled code is worth keeping for later processes. */
  readonly keepCode: boolean;
  /** For cases that record: how long each may call its body. */
  readonly recordMs: number;
}

export interface DrawReply {
  /** Nanoseconds an iteration, by arm, block by block; absent when a case failed before they were complete. */
  readonly samples?: Readonly<Record<ArmId, Float32Array>>;
  readonly iterations: Readonly<Record<ArmId, number>>;
  readonly records: Readonly<Record<string, Readonly<Record<string, Float64Array>>>>;
  readonly failures: readonly CaseFailure[];
  /** Failures that are samples of their case (a call of a record body), and do not end it. */
  readonly failedRecords: readonly CaseFailure[];
  /** What the file left running, by Node's names. */
  readonly left: readonly string[];
  /** Why the file cannot be had twice in one process. */
  readonly onlyOnce?: string;
}

/** Where draws are made: one process, or several that take turns. */
export interface Station extends AsyncDisposable {
  draw(request: DrawRequest): Promise<DrawReply>;
  /** Memory slopes of the cases that have one. */
  slopes(request: DrawRequest): Promise<SlopesReply>;
  /** Allocations of the cases, in an instance of its own. */
  allocations(
    request: DrawRequest,
    durationMs: number,
  ): Promise<{ readonly found: Readonly<Record<ArmId, AllocationReply>>; readonly failures: readonly CaseFailure[] }>;
}

export interface SlopesReply {
  readonly found: Readonly<Record<string, readonly SlopeReply[]>>;
  readonly failures: readonly CaseFailure[];
}

/**
 * Time for an arm's warm-up. The compiler has then seen a body of microseconds often enough; see the least number of
 * calls in sampling.ts.
 */
const warmupMs = 8;
/** Draws are many and short: how the compiler's lottery falls differs more from draw to draw than within one. */
const blocksMs = 16;
const minBlocks = 7;
const maxBlocks = 400;
const loadStallMs = 30_000;
export const hookStallMs = 60_000;

export const remainingCases = ({ suite, excluded }: DrawRequest): LoadedCase[] =>
  suite.cases.filter(({ id }) => !excluded.includes(id));

/** Whether a failure ends its case. A missed deadline does not: it is an error sample. */
export const isLethal = ({ kind }: CaseFailure): boolean => kind !== "deadline";

export interface Opened {
  readonly suite: LoadedSuite;
  readonly iterations: Readonly<Record<ArmId, number>>;
  readonly failures: readonly CaseFailure[];
  readonly onlyOnce?: string;
}

/**
 * The suite as this load of the file has it. Titles alone do not tell two `suite("x", …)` apart; the names of cases,
 * unique in a file, do.
 */
function sameSuite(wanted: LoadedSuite, offered: readonly LoadedSuite[]): LoadedSuite | undefined {
  const ids = new Set(wanted.cases.map(({ id }) => id));
  return offered.find(({ cases }) => cases.some(({ id }) => ids.has(id)));
}

/**
 * Loads a fresh instance of the file in a process and prepares the suite. Cases that this load does not define are
 * failures: a file must offer the same each time.
 */
export async function openSuite(host: Host, request: DrawRequest): Promise<Opened> {
  const { file, suite, filter, excluded, iterations, twin, seed } = request;
  host.follow(suite);
  const load = { type: "load", file, twin, seed, excluded, markerFile: host.markerFile } as const;
  const loaded = await host.ask(filter === undefined ? load : { ...load, filter }, loadStallMs);
  const now = sameSuite(suite, loaded.suites);
  const missing = remainingCases(request).filter(({ id }) => !now?.cases.some((other) => other.id === id));
  if (!now || missing.length > 0) {
    const message = "the file does not define it when it is loaded again";
    const failures = missing.map(({ id }) => ({ case: id, kind: "load", message }));
    return { suite, iterations, failures };
  }
  host.follow(now);
  const prepared = await host.ask({ type: "prepare", suite: now.index, iterations, warmupMs }, hookStallMs);
  const onlyOnce = loaded.onlyOnce ?? prepared.onlyOnce;
  return {
    suite: now,
    iterations: prepared.iterations,
    failures: prepared.failures,
    ...(onlyOnce !== undefined && { onlyOnce }),
  };
}

/** One process that runs all arms of a suite, interleaved. */
export class SingleStation implements Station {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async draw(request: DrawRequest): Promise<DrawReply> {
    const open = await openSuite(this.#host, request);
    const once = open.onlyOnce === undefined ? {} : { onlyOnce: open.onlyOnce };
    const empty = { iterations: request.iterations, records: {}, failures: [], failedRecords: [], left: [], ...once };
    const { suite, iterations } = open;
    if (open.failures.length > 0) return { ...empty, failures: open.failures };
    let samples: Readonly<Record<ArmId, Float32Array>> = {};
    let failures: readonly CaseFailure[] = [];
    if (Object.keys(iterations).length > 0) {
      const blocks = { type: "blocks", suite: suite.index, durationMs: blocksMs, minBlocks, maxBlocks } as const;
      ({ samples, failures } = await this.#host.ask({ ...blocks, seed: request.seed }, hookStallMs));
      if (failures.some(isLethal)) return { ...empty, iterations, failures };
    }
    const records = suite.cases.some(({ kind }) => kind === "record")
      ? await this.#host.ask({ type: "records", suite: suite.index, durationMs: request.recordMs }, hookStallMs)
      : { values: {}, failures: [] };
    const finished = await this.#host.ask(
      { type: "finish", suite: suite.index, keepCode: request.keepCode },
      hookStallMs,
    );
    return {
      samples,
      iterations,
      records: records.values,
      failures: [...failures, ...finished.failures],
      failedRecords: records.failures,
      left: finished.left,
      ...once,
    };
  }

  async allocations(request: DrawRequest, durationMs: number): ReturnType<Station["allocations"]> {
    return allocationsIn(this.#host, request, durationMs);
  }

  async slopes(request: DrawRequest): Promise<SlopesReply> {
    return slopesIn(this.#host, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.close();
  }
}

export async function allocationsIn(
  host: Host,
  request: DrawRequest,
  durationMs: number,
): ReturnType<Station["allocations"]> {
  const open = await openSuite(host, { ...request, twin: false });
  if (open.failures.length > 0) return { found: {}, failures: open.failures };
  const reply = await host.ask({ type: "memory", suite: open.suite.index, durationMs }, hookStallMs);
  return { found: reply.allocations, failures: reply.failures };
}

/** A slope's steps (a cycle, a round of making things) may each take this long. */
const slopeStallMs = 120_000;

export async function slopesIn(host: Host, request: DrawRequest): Promise<SlopesReply> {
  const open = await openSuite(host, { ...request, twin: false });
  if (!open || open.failures.length > 0) return { found: {}, failures: open?.failures ?? [] };
  const reply = await host.ask({ type: "slopes", suite: open.suite.index }, slopeStallMs);
  return { found: reply.slopes, failures: reply.failures };
}
