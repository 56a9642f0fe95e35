import type { Clock } from "@mettle/core";
import { engineClock } from "../engine/engine-clock.ts";
import type { LoadSource } from "../engine/load-test.ts";
import { type LoadResult, type RunLoadOptions, runLoad } from "../engine/run-load.ts";
import { sharedNowMs } from "../engine/worker-handle.ts";
import { type Bundle, makeBundle } from "./bundle.ts";
import { distributeErrors } from "./errors.ts";
import { FleetCrew } from "./fleet-crew.ts";
import { type FleetEvent, type FleetOptions, gatherFleet } from "./fleet.ts";
import type { LinkTimings } from "./link.ts";
import type { Assignment, ToHost } from "./messages.ts";
import { filesOf, portableSource } from "./portable-source.ts";
import type { RemoteWorker } from "./remote-worker.ts";
import { planOf } from "./segments.ts";
import type { Transport } from "./transport.ts";

export interface DistributedOptions extends Omit<RunLoadOptions, "from"> {
  readonly transport: Transport;
  readonly source: LoadSource;
  /** Absolute paths of what the load test is made of and reads. */
  readonly files: readonly string[];
  /** Paths that workers see begin here, when all files are below it. */
  readonly root: string;
  /** Variables given for the load test: no others are sent. */
  readonly variables: Readonly<Record<string, string>>;
  /** How many worker processes must come. */
  readonly workers: number;
  /** @defaultValue distributeDefaults */
  readonly waitMs?: number;
  readonly subject?: string;
  /** Of Mettle. */
  readonly version: string;
  readonly onEvent?: (event: FleetEvent) => void;
  readonly timings?: Partial<LinkTimings>;
  /** The time line of start orders. @defaultValue ms of `process.hrtime` */
  readonly sharedNowMs?: () => number;
}

export const distributeDefaults: Readonly<{ subject: string; waitMs: number }> = {
  subject: "mettle.load",
  waitMs: 60_000,
};

/** Subjects must not end in other runs' subjects, nor hold wildcards. */
export function checkSubject(subject: string): string {
  if (/^[\w-]+(?:\.[\w-]+)*$/.test(subject)) return subject;
  throw distributeErrors.create(
    "LOAD_NATS_OPTIONS_INVALID",
    `The subject ${JSON.stringify(subject)} is not made of words with dots between them.`,
    { details: { problem: "subject" } },
  );
}

/**
 * Runs a load test on workers of other machines and merges what they measured: the same result as with so many threads
 * of one machine.
 *
 * @throws MettleError what `runLoad` throws; `LOAD_WORKERS_MISSING`, `LOAD_NOT_PORTABLE`, `LOAD_BUNDLE_INVALID`,
 * `LOAD_WORKER_REFUSED`, `LOAD_WORKER_LOST` for one lost before the start
 */
export async function runDistributed(options: DistributedOptions): Promise<LoadResult> {
  const { plan, submetrics = [], clock = engineClock } = options;
  const bundle = makeBundle([...filesOf(options.source), ...options.files], options.root);
  const source = portableSource(options.source, bundle, options.variables);
  const now = options.sharedNowMs ?? sharedNowMs;
  await using fleet = await gatherFleet(fleetOptions(options, clock, now));
  const crew = new FleetCrew(plan, fleet.workers, now);
  options.onEvent?.({
    kind: "sending",
    files: bundle.entries.length,
    bytes: bundle.entries.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  await Promise.all(
    fleet.workers.map((worker, index) =>
      giveOut(worker, bundle, {
        plan: planOf({ ...plan, workers: crew.size }, index, crew.numbers, worker.hello.tags),
        submetrics,
        source,
        threads: crew.numbers[index] ?? [],
        workers: crew.size,
      }),
    ),
  );
  const result = await runLoad({
    ...runOptions(options),
    plan: { ...plan, workers: crew.size },
    from: { remote: crew },
    clock,
  });
  await Promise.all(fleet.workers.map((worker) => worker.measureClock()));
  const measurements = [...result.run.measurements, ...crew.clockMeasurements()];
  return { ...result, run: { ...result.run, measurements } };
}

function fleetOptions(options: DistributedOptions, clock: Clock, now: () => number): FleetOptions {
  const { transport, name, version, workers, stop, timings, onEvent } = options;
  return {
    transport,
    clock,
    name,
    version,
    workers,
    subject: checkSubject(options.subject ?? distributeDefaults.subject),
    waitMs: options.waitMs ?? distributeDefaults.waitMs,
    sharedNowMs: now,
    ...(stop && { stop }),
    ...(timings && { timings }),
    ...(onEvent && { onEvent }),
  };
}

function runOptions(options: DistributedOptions): Omit<RunLoadOptions, "from" | "plan" | "clock"> {
  const { name, submetrics, onSnapshot, stop, stopNow, outputs, profile, kind, seriesPoints, revision } = options;
  const { stuckMs, noiseProbe } = options;
  return {
    name,
    ...(submetrics && { submetrics }),
    ...(onSnapshot && { onSnapshot }),
    ...(stop && { stop }),
    ...(stopNow && { stopNow }),
    ...(outputs && { outputs }),
    ...(profile && { profile }),
    ...(kind && { kind }),
    ...(seriesPoints !== undefined && { seriesPoints }),
    ...(revision && { revision }),
    ...(stuckMs !== undefined && { stuckMs }),
    ...(noiseProbe !== undefined && { noiseProbe }),
  };
}

/** Gives a worker the files that it lacks, and its part. */
async function giveOut(worker: RemoteWorker, bundle: Bundle, assignment: Assignment): Promise<void> {
  const answer = await worker.ask([{ kind: "offer", files: bundle.entries }]);
  if (answer.kind !== "need") throw unexpected(worker, answer.kind);
  await worker.measureClock();
  const files = answer.files.map((sha256): ToHost => ({ kind: "file", sha256, content: bundle.content(sha256) }));
  const settled = await worker.ask([...files, { kind: "assignment", ...assignment }]);
  if (settled.kind !== "settled") throw unexpected(worker, settled.kind);
}

const unexpected = ({ hello }: RemoteWorker, said: string): Error =>
  distributeErrors.create("LOAD_MESSAGE_INVALID", `The worker ${hello.name} answered ${said} out of turn.`);
