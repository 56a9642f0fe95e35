import { type Clock, systemClock } from "@mettle/core";
import type { SignalBus } from "../bus/bus.ts";
import type { Signal } from "../signals/signal.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * Measures a bus: `bus.published`, `bus.consumed` and `bus.handler.time` (ns), by signal type and subscription. Its
 * middleware is in the bus only while a handler is attached.
 *
 * @returns ends it
 */
export function observeBus(bus: SignalBus, telemetry: Telemetry, clock: Clock = systemClock): () => void {
  const published = telemetry.counter("bus.published", { description: "Signals published" });
  const consumed = telemetry.counter("bus.consumed", { description: "Signals handled, by subscription" });
  const time = telemetry.histogram("bus.handler.time", { unit: "ns", description: "Time of handlers" });
  return telemetry.whileAttached(() => {
    /** Starts of deliveries by signal and subscription; a delivery that ends takes its own out. */
    const started = new WeakMap<Signal, Map<object, number>>();
    return bus.use({
      name: "telemetry",
      beforePublish: (signal) => {
        published.add(1, { type: signal.type });
        return signal;
      },
      beforeDispatch: (signal, subscription) => {
        const starts = started.get(signal) ?? new Map<object, number>();
        started.set(signal, starts.set(subscription, clock.now()));
        return signal;
      },
      afterDispatch: (signal, subscription, outcome) => {
        const attributes = {
          type: signal.type,
          subscription: subscription.name ?? subscription.pattern,
          ...(outcome.state === "failed" ? { error: errorType(outcome.error) } : {}),
        };
        consumed.add(1, attributes);
        const start = started.get(signal)?.get(subscription);
        started.get(signal)?.delete(subscription);
        if (start !== undefined) time.record(clock.now() - start, attributes);
      },
    });
  });
}

/** A code where the error has one: messages have too many values for a series. */
function errorType(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "_OTHER";
}
