import type { SignalPort } from "../runtime/ports.ts";
import type { SignalFactory } from "../signals/signal-factory.ts";
import type { SignalBus } from "./bus.ts";

/**
 * A bus as the place where a runtime's agents publish what they emit and get what their patterns match. Signals go into
 * mailboxes before `publish` returns; a mailbox that refuses one is reported by the bus (`onProblem`), never to whoever
 * published.
 *
 * @example
 * const runtime = createRuntime({ signals: busForAgents(bus, signals) });
 */
export function busForAgents(bus: SignalBus, signals: SignalFactory): SignalPort {
  return {
    publish: (type, data, source, subject) => bus.publish(signals.create(type, source, data, { subject })),
    subscribe: (pattern, receive) => {
      const subscription = bus.subscribeSink(pattern, {
        offer: (signal) => {
          receive(signal);
          return true;
        },
      });
      return () => subscription.unsubscribe();
    },
  };
}
