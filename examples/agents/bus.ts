// Signals by pattern, a subscription that outlives its subscriber, and what happens to a signal that nobody can handle.
//
//   node -C mettle-source examples/agents/bus.ts
//
// Prints:
//   audit: orders.invoice.created {"total":12}
//   audit: orders.invoice.created {"total":-1}
//   audit: orders.parcel.created {"kilos":2}
//   billing, attempt 1: 12
//   billing, attempt 1: -1
//   billing, attempt 2: -1
//   dead letter: orders.invoice.created after 2 attempts, a total below 0
//   in the log: 3
import { SignalBus } from "@mettle/agents";
import { ms } from "@mettle/core";

await using bus = new SignalBus({ onProblem: () => undefined });

bus.subscribe("orders.*.created", ({ type, data }) => console.log(`audit: ${type} ${JSON.stringify(data)}`));

// Collects from now on, whether or not anybody is attached.
const billing = bus.persistent("billing", "orders.invoice.**", { attempts: 2, backoff: ms(1) });

bus.emit("orders.invoice.created", "shop", { total: 12 });
bus.emit("orders.invoice.created", "shop", { total: -1 });
bus.emit("orders.parcel.created", "shop", { kilos: 2 });
await bus.idle();

const done = Promise.withResolvers<void>();
billing.attach((signal, { attempt }) => {
  const { total } = signal.data as { total: number };
  console.log(`billing, attempt ${attempt}: ${total}`);
  if (attempt === 2) setImmediate(() => done.resolve());
  if (total < 0) throw new Error("a total below 0");
});
await done.promise;

for (const { signal, attempts, error } of bus.deadLetters.list()) {
  console.log(`dead letter: ${signal.type} after ${attempts} attempts, ${(error as Error).message}`);
}
console.log(`in the log: ${bus.replay("orders.**").length}`);
