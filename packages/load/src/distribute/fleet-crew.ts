import type { Measurement } from "@mettle/results";
import type { SampleBatch, ToWorker } from "../engine/protocol.ts";
import type { LoadPlan } from "../engine/resolve-plan.ts";
import type { RemoteCrew, WorkerHandle, WorkerListener } from "../engine/worker-handle.ts";
import type { CellMemory } from "../metrics/cell.ts";
import { CellWriting } from "./cell-transfer.ts";
import type { FromThread, ToThread } from "./messages.ts";
import type { RemoteWorker } from "./remote-worker.ts";
import { missingFrom, numberThreads } from "./segments.ts";

interface Place {
  readonly worker: RemoteWorker;
  /** Of the worker, from 1. */
  readonly number: number;
  readonly threads: readonly number[];
}

/** The least time between the order to start and the start. */
const LEAST_LEAD_MS = 500;
/** Of the slowest round trip, so that an order sent twice is still in time. */
const LEAD_ROUND_TRIPS = 20;

/** The threads of all workers of a fleet, as the engine runs them. */
export class FleetCrew implements RemoteCrew {
  readonly sharedNowMs: () => number;
  /** For each worker, the numbers of its threads. */
  readonly numbers: readonly (readonly number[])[];
  readonly #plan: LoadPlan;
  readonly #places: readonly Place[];
  readonly #byThread = new Map<number, Place>();
  readonly #memory = new Map<string, CellMemory[]>();
  readonly #flushedAtMs = new Map<number, number>();
  readonly #losses = new Map<string, string>();
  #startMs: number | undefined;

  constructor(plan: LoadPlan, workers: readonly RemoteWorker[], sharedNowMs: () => number) {
    this.#plan = plan;
    this.sharedNowMs = sharedNowMs;
    this.numbers = numberThreads(workers.map(({ hello }) => hello.threads));
    this.#places = workers.map((worker, index) => ({
      worker,
      number: index + 1,
      threads: this.numbers[index] ?? [],
    }));
    for (const place of this.#places) for (const thread of place.threads) this.#byThread.set(thread, place);
  }

  /** Threads of all workers. */
  get size(): number {
    return this.#byThread.size;
  }

  get leadMs(): number {
    const slowest = Math.max(...this.#places.map(({ worker }) => 2 * worker.offset.uncertaintyMs));
    return Math.max(LEAST_LEAD_MS, LEAD_ROUND_TRIPS * slowest);
  }

  start(index: number, listener: WorkerListener): WorkerHandle {
    const { worker } = this.#placeOf(index);
    const writing = new CellWriting(this.#memory, () => worker.offset.wallMs);
    worker.listen(index, {
      onMessage: (message) => {
        this.#receive(index, message, writing, listener);
      },
      onLost: (reason) => {
        listener.onLost(reason);
      },
    });
    return {
      send: (message) => {
        worker.tellThread(index, this.#translated(index, message));
      },
      terminate: () => {
        worker.send({ kind: "terminate", thread: index });
        return Promise.resolve();
      },
    };
  }

  lossOf(index: number, reason: string): string {
    const { worker, number, threads } = this.#placeOf(index);
    const whole = worker.lost !== undefined;
    const key = whole ? `worker ${number}` : `thread ${index}`;
    const known = this.#losses.get(key);
    if (known !== undefined) return known;
    const gone = whole ? threads : [index];
    const what = whole
      ? `worker ${number} (${nameOf(worker)})`
      : `thread ${index + 1} of worker ${number} (${nameOf(worker)})`;
    const { when, lacking } = this.#whenAndWhat(gone);
    const text = `${what} was lost ${when}: ${reason}${lacking}`;
    this.#losses.set(key, text);
    return text;
  }

  #whenAndWhat(gone: readonly number[]): { readonly when: string; readonly lacking: string } {
    if (this.#startMs === undefined) return { when: "before the start", lacking: "" };
    const now = this.sharedNowMs();
    const heard = Math.max(this.#startMs, ...gone.map((thread) => this.#flushedAtMs.get(thread) ?? 0));
    const heardMs = heard - this.#startMs;
    const { share, arrivals, users } = missingFrom(this.#plan, gone, this.size, heardMs);
    const amounts = [
      ...(arrivals !== undefined ? [`about ${Math.round(arrivals)} arrivals`] : []),
      ...(users ? [`${users[0]} of ${users[1]} users`] : []),
    ];
    const rest = amounts.length > 0 ? ` (${amounts.join(", ")})` : "";
    return {
      when: `${seconds(now - this.#startMs)} after the start`,
      lacking: `; missing is what it did after ${seconds(heardMs)}: ${Math.round(100 * share)} % of the load from there on${rest}`,
    };
  }

  /** How the clocks of the workers stood to that of the coordinator. */
  clockMeasurements(): readonly Measurement[] {
    return this.#places.flatMap(({ worker, number }) => {
      const { offsets, hello } = worker;
      const [first] = offsets;
      const last = offsets.at(-1);
      if (!first || !last) return [];
      const tags = { ...hello.tags, worker: String(number), host: hello.name };
      const about = `${hello.threads} threads, Node.js ${hello.node}, ${hello.cores} cores of ${hello.cpu}`;
      return [
        clockMeasurement(
          "generator_clock_offset",
          tags,
          offsets.map(({ wallMs }) => wallMs),
          [about],
        ),
        clockMeasurement(
          "generator_clock_uncertainty",
          tags,
          offsets.map(({ uncertaintyMs }) => uncertaintyMs),
          [],
        ),
        ...(offsets.length > 1
          ? [clockMeasurement("generator_clock_drift", tags, [last.monotonicMs - first.monotonicMs], [])]
          : []),
      ];
    });
  }

  #placeOf(index: number): Place {
    const place = this.#byThread.get(index);
    if (!place) throw new Error(`no worker has the thread ${index}`);
    return place;
  }

  #translated(index: number, message: ToWorker): ToThread {
    if (message.kind === "begin") return { kind: "begin", stream: message.stream };
    if (message.kind !== "start") return message;
    this.#startMs = message.atMs;
    return { kind: "start", atMs: message.atMs + this.#placeOf(index).worker.offset.monotonicMs };
  }

  #receive(index: number, message: FromThread, writing: CellWriting, listener: WorkerListener): void {
    switch (message.kind) {
      case "flushed": {
        this.#flushedAtMs.set(index, this.sharedNowMs());
        const { kind, ...flush } = message;
        listener.onMessage({ kind, ...writing.write(flush) });
        return;
      }
      case "samples":
        listener.onMessage({ ...message, at: onOwnTime(message, this.#placeOf(index).worker.offset.wallMs) });
        return;
      default:
        listener.onMessage(message);
    }
  }
}

const nameOf = ({ hello }: RemoteWorker): string => `${hello.name}, process ${hello.process}`;
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** Moments of samples by the clock of this machine. */
const onOwnTime = ({ at }: SampleBatch, offsetMs: number): Float64Array => at.map((moment) => moment - offsetMs);

function clockMeasurement(
  metric: string,
  tags: Readonly<Record<string, string>>,
  valuesMs: readonly number[],
  notes: readonly string[],
): Measurement {
  const values = valuesMs.map((value) => value * 1e6);
  const last = values.at(-1);
  return {
    metric,
    unit: "ns",
    direction: "none",
    tags,
    summary: {
      count: values.length,
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
      min: Math.min(...values),
      max: Math.max(...values),
      ...(last !== undefined && { last }),
    },
    ...(notes.length > 0 && { notes }),
  };
}
