import { loadErrors } from "./errors.ts";
import { type Flush, type FromWorker, type SampleBatch, type ToWorker } from "./protocol.ts";
import { heardError } from "./told-error.ts";
import type { WorkerHandle, WorkerListener } from "./worker-handle.ts";

export interface CrewListener {
  onFlush(worker: number, flush: Flush): void;
  onSamples(worker: number, batch: SampleBatch): void;
  /** It ended by itself, or was ended for not answering. The rest goes on. */
  onLost(worker: number, reason: string): void;
  /** A script told the run something: that it is to end, or only that it has failed. */
  onTold(error: Error, ends: boolean): void;
  /** User code made going on impossible. */
  onFailure(error: Error): void;
}

type Answer = Exclude<FromWorker["kind"], "flushed" | "samples" | "failed" | "told">;

interface Waiting {
  readonly answer: Answer | "flushed";
  readonly resolve: (message: FromWorker) => void;
  readonly reject: (error: Error) => void;
}

/** The workers of a run, each asked one thing at a time; `ended` comes beside. */
export class WorkerCrew {
  readonly #handles: (WorkerHandle | undefined)[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended = new Map<number, () => void>();
  readonly #listener: CrewListener;

  constructor(count: number, start: (index: number, listener: WorkerListener) => WorkerHandle, listener: CrewListener) {
    this.#listener = listener;
    this.#handles = Array.from({ length: count }, (_, index) =>
      start(index, {
        onMessage: (message) => {
          this.#receive(index, message);
        },
        onLost: (reason) => {
          this.lose(index, reason);
        },
      }),
    );
  }

  /** Workers that are still there. */
  get present(): readonly number[] {
    return this.#handles.flatMap((handle, index) => (handle ? [index] : []));
  }

  tell(worker: number, message: ToWorker): void {
    this.#handles[worker]?.send(message);
  }

  tellAll(message: ToWorker): void {
    for (const worker of this.present) this.tell(worker, message);
  }

  /** Sends and waits for the answer. Rejects with what the worker says went wrong, or when it is lost meanwhile. */
  ask<Kind extends Answer | "flushed">(
    worker: number,
    message: ToWorker,
    answer: Kind,
  ): Promise<Extract<FromWorker, { kind: Kind }>> {
    const { promise, resolve, reject } = Promise.withResolvers<FromWorker>();
    if (this.#waiting.has(worker)) throw new Error(`worker ${worker} is still busy with its last answer`);
    if (!this.#handles[worker]) throw lostError(worker, "it was lost before");
    this.#waiting.set(worker, { answer, resolve, reject });
    this.tell(worker, message);
    return promise as Promise<Extract<FromWorker, { kind: Kind }>>;
  }

  /** Whether a worker has not answered yet. */
  isWaiting(worker: number): boolean {
    return this.#waiting.has(worker);
  }

  askAll<Kind extends Answer | "flushed">(
    messageFor: (worker: number) => ToWorker,
    answer: Kind,
  ): Promise<readonly Extract<FromWorker, { kind: Kind }>[]> {
    return Promise.all(this.present.map((worker) => this.ask(worker, messageFor(worker), answer)));
  }

  /** Starts all, and resolves when each has ended or is lost. */
  async start(message: Extract<ToWorker, { kind: "start" }>): Promise<void> {
    const ends = this.present.map((worker) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#ended.set(worker, resolve);
      this.tell(worker, message);
      return promise;
    });
    await Promise.all(ends);
  }

  /** Goes on without a worker. */
  lose(worker: number, reason: string): void {
    const handle = this.#handles[worker];
    if (!handle) return;
    this.#handles[worker] = undefined;
    handle.terminate().catch((thrown: unknown) => {
      this.#listener.onFailure(thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
    this.#listener.onLost(worker, reason);
    this.#waiting.get(worker)?.reject(lostError(worker, reason));
    this.#waiting.delete(worker);
    this.#ended.get(worker)?.();
  }

  async close(): Promise<void> {
    const present = this.#handles.splice(0).filter((handle) => handle !== undefined);
    await Promise.all(present.map((handle) => handle.terminate()));
  }

  #receive(worker: number, message: FromWorker): void {
    switch (message.kind) {
      case "samples":
        this.#listener.onSamples(worker, message);
        return;
      case "ended":
        this.#ended.get(worker)?.();
        return;
      case "failed":
        this.#fail(worker, message);
        return;
      case "told":
        this.#listener.onTold(heardError(message.error), message.ends);
        return;
      case "flushed":
        this.#listener.onFlush(worker, message);
        break;
      default:
    }
    const waiting = this.#waiting.get(worker);
    if (waiting?.answer !== message.kind) return;
    this.#waiting.delete(worker);
    waiting.resolve(message);
  }

  #fail(worker: number, { during, error }: Extract<FromWorker, { kind: "failed" }>): void {
    const heard = heardError(error);
    const waiting = this.#waiting.get(worker);
    if (during === "run" || !waiting || waiting.answer === "flushed") {
      this.#listener.onFailure(heard);
      return;
    }
    this.#waiting.delete(worker);
    waiting.reject(heard);
  }
}

const lostError = (worker: number, reason: string): Error =>
  loadErrors.create("LOAD_WORKER_LOST", `Worker ${worker + 1} was lost: ${reason}.`, { details: { worker, reason } });
