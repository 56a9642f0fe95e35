import { MettleError } from "@mettle/core";
import type { SignalBus } from "../bus/bus.ts";
import type { SignalSink } from "../bus/subscription.ts";
import type { CloudEventIds } from "../signals/cloud-event-id.ts";
import { toCloudEvent } from "../signals/cloud-event.ts";
import { toStructured } from "../signals/cloud-event-http.ts";
import type { Signal } from "../signals/signal.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { ConcurrencyLimit } from "./concurrency-limit.ts";
import { dispatchErrors } from "./errors.ts";

/** Takes signals somewhere. Returns when the signal was taken over; throws or rejects when it was not. */
export interface DispatchAdapter {
  /** Kind and place, for reports. */
  readonly name: string;
  dispatch(signal: Signal, abort?: AbortSignal): void | Promise<void>;
}

/** Takes signals nowhere. */
export const noopDispatch: DispatchAdapter = { name: "noop", dispatch: () => undefined };

/** Into a mailbox of this process. Dispatching throws `DISPATCH_TARGET_FULL` when it refuses. */
export function inProcessDispatch(sink: SignalSink, name = "in-process"): DispatchAdapter {
  return { name, dispatch: (signal) => offer(sink, signal, name) };
}

/** What a named dispatch asks for its target: an `AgentRegistry` of agents that take signals. */
export interface SignalDirectory {
  whereis(namespace: string, name: string): SignalSink | undefined;
}

/**
 * To whoever has the name when the signal is dispatched. Dispatching throws `DISPATCH_TARGET_MISSING`,
 * `DISPATCH_TARGET_FULL`.
 */
export function namedDispatch(directory: SignalDirectory, namespace: string, name: string): DispatchAdapter {
  const target = `${namespace}/${name}`;
  return {
    name: `named:${target}`,
    dispatch: (signal) => {
      const sink = directory.whereis(namespace, name);
      if (sink === undefined) {
        throw dispatchErrors.create("DISPATCH_TARGET_MISSING", `Nobody is registered as ${target}.`, {
          details: { namespace, name },
        });
      }
      offer(sink, signal, target);
    },
  };
}

function offer(sink: SignalSink, signal: Signal, target: string): void {
  if (sink.offer(signal)) return;
  throw dispatchErrors.create("DISPATCH_TARGET_FULL", `${target} takes no more signals.`, { details: { target } });
}

/** To a bus. Dispatching throws what `publish` throws. */
export function busDispatch(bus: Pick<SignalBus, "publish">): DispatchAdapter {
  return { name: "bus", dispatch: (signal) => bus.publish(signal) };
}

/** What a logger is here: pino, winston and `console` fit. */
export interface SignalLogger {
  info(record: object, message: string): void;
}

/** One record per signal, without its data, which may be large or private. */
export function loggerDispatch(logger: SignalLogger): DispatchAdapter {
  return {
    name: "logger",
    dispatch: ({ id, type, source, subject, traceparent }) => {
      logger.info({ signal: { id, type, source, subject, traceparent } }, "signal");
    },
  };
}

/** One line of JSON per signal, a CloudEvent. @param out - such as `process.stdout` */
export function consoleDispatch(
  ids: CloudEventIds,
  out: { write(text: string): unknown } = process.stdout,
): DispatchAdapter {
  return {
    name: "console",
    dispatch: (signal) => {
      out.write(`${toStructured(toCloudEvent(signal, ids)).body as string}\n`);
    },
  };
}

/** What dispatch needs of a NATS connection; `@nats-io/nats-core`'s fits. */
export interface NatsPort {
  publish(subject: string, payload: Uint8Array): void;
  /** Resolves when the server has what was published. */
  flush(): Promise<void>;
}

/** To NATS: the signal's type, behind `prefix`, is the subject; the payload a structured CloudEvent. */
export function natsDispatch(connection: NatsPort, ids: CloudEventIds, prefix = ""): DispatchAdapter {
  return {
    name: "nats",
    dispatch: async (signal) => {
      const { body } = toStructured(toCloudEvent(signal, ids));
      connection.publish(`${prefix}${signal.type}`, typeof body === "string" ? Buffer.from(body) : body);
      await connection.flush();
    },
  };
}

/** To all; each is tried, and what failed is thrown together. */
export function dispatchToAll(adapters: readonly DispatchAdapter[]): DispatchAdapter {
  return {
    name: adapters.map(({ name }) => name).join("+"),
    dispatch: async (signal, abort) => {
      const outcomes = await Promise.allSettled(adapters.map(async (adapter) => adapter.dispatch(signal, abort)));
      const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
      if (errors.length > 0) {
        const problem = `${errors.length} of ${adapters.length} adapters failed.`;
        throw dispatchErrors.create("DISPATCH_FAILED", problem, { cause: new AggregateError(errors, problem) });
      }
    },
  };
}

export interface DispatchGuards {
  readonly limit?: ConcurrencyLimit;
  readonly breaker?: CircuitBreaker;
}

/**
 * An adapter within a limit and a breaker. The breaker is inside: calls that wait for their turn see it as it is then,
 * and waiting is no failure. Dispatching throws `DISPATCH_BUSY`, `BREAKER_OPEN`.
 */
export function guarded(adapter: DispatchAdapter, { limit, breaker }: DispatchGuards): DispatchAdapter {
  return {
    name: adapter.name,
    dispatch: (signal, abort) => {
      const call = (): void | Promise<void> => adapter.dispatch(signal, abort);
      const broken = (): void | Promise<void> => (breaker === undefined ? call() : breaker.run(call));
      return limit === undefined ? broken() : limit.run(broken, abort);
    },
  };
}

/** For a breaker: failures of the receiver; a signal that it refuses says nothing against it. */
export function isReceiverFailure(error: unknown): boolean {
  return !(error instanceof MettleError) || error.retryable;
}
