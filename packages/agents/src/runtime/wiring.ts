import type { AnyRef } from "../agent/ref.ts";
import { SignalBus } from "../bus/bus.ts";
import type { BusOptions } from "../bus/bus-options.ts";
import { AgentRegistry } from "../registry/registry.ts";
import { SignalFactory } from "../signals/signal-factory.ts";
import type { TimerWheel } from "../timers/timer-wheel.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Clock } from "@mettle/core";
import type { Switches } from "../switches/switches.ts";
import type { DownListener } from "./down.ts";
import type { Observers } from "./events.ts";
import type { SignalPort } from "./ports.ts";

/** The runtime's bus, on its clock and its timers, and the port through which its agents use it. */
export function makeBus(
  clock: Clock,
  wheel: TimerWheel,
  options: BusOptions,
  { caching }: Switches,
): { readonly bus: SignalBus; readonly port: SignalPort } {
  const signals = options.signals ?? new SignalFactory(clock);
  const bus = new SignalBus({ clock, wheel, ...options, ...(caching ? {} : { memo: 0 }), signals });
  const port: SignalPort = {
    publish: (type, data, source, subject) =>
      bus.publish(signals.create(type, source, data, subject === undefined ? undefined : { subject })),
    subscribe: (pattern, sink) => {
      const subscription = bus.subscribeSink(pattern, sink);
      return () => subscription.unsubscribe();
    },
  };
  return { bus, port };
}

/** A registry whose entries vanish when their agents end; an agent that is restarted keeps its entry. */
export function makeRegistry(
  maxAgents: number,
  monitor: (agent: AnyRef, listener: DownListener) => () => void,
): AgentRegistry<AnyRef> {
  return new AgentRegistry<AnyRef>({
    maxAgents,
    watch: (agent, gone) =>
      monitor(agent, ({ mayRestart }) => {
        if (!mayRestart) gone();
      }),
  });
}

/** Counts what happens to agents and threads as `agents.events` by kind; nothing is observed while nobody listens. */
export function countEvents(observers: Observers, telemetry: Telemetry): () => void {
  const events = telemetry.counter("agents.events");
  return telemetry.whileAttached(() => observers.add(({ kind }) => events.add(1, { kind })));
}
