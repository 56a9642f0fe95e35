// Publishing: to 10 and to 1 000 subscribers until all have it, and what the bus adds to calling them in a loop.
// Run: node -C mettle-source bench/agents/bus.ts
import { EventEmitter } from "node:events";
import { SignalBus, SignalFactory } from "@mettle/agents";
import { compare, formatNs, report } from "./measure.ts";

const factory = new SignalFactory();
let received = 0;
const handlers = Array.from({ length: 1000 }, () => () => {
  received += 1;
});

for (const subscribers of [10, 1000]) {
  const own = handlers.slice(0, subscribers);
  const bus = new SignalBus();
  const unlogged = new SignalBus({ log: false });
  const sinks = new SignalBus({ log: false });
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  for (const handler of own) {
    bus.subscribe("orders.*.created", handler);
    unlogged.subscribe("orders.*.created", handler);
    sinks.subscribeSink("orders.*.created", {
      offer: () => {
        received += 1;
        return true;
      },
    });
    emitter.on("orders.invoice.created", handler);
  }
  const signal = factory.create("orders.invoice.created", "bench", { total: 1 });
  /** In bursts of 1 000, as far as a bus may run ahead, until all have them. */
  const bursts = async (count: number, publish: () => void, idle: () => Promise<void>): Promise<void> => {
    const before = received;
    for (let done = 0; done < count; done += 1000) {
      for (let i = 0; i < 1000; i++) publish();
      await idle();
    }
    if (received - before !== count * subscribers)
      throw new Error(`${received - before} of ${count * subscribers} received`);
  };
  const count = subscribers === 10 ? 200_000 : 4000;
  const control = "control: EventEmitter, called in a loop";
  const times = await compare([
    {
      name: control,
      count,
      run: (n) =>
        bursts(
          n,
          () => emitter.emit(signal.type, signal),
          async () => undefined,
        ),
    },
    {
      name: "bus",
      count,
      run: (n) =>
        bursts(
          n,
          () => bus.publish(signal),
          () => bus.idle(),
        ),
    },
    {
      name: "bus without log",
      count,
      run: (n) =>
        bursts(
          n,
          () => unlogged.publish(signal),
          () => unlogged.idle(),
        ),
    },
    {
      name: "bus into mailboxes",
      count,
      run: (n) =>
        bursts(
          n,
          () => sinks.publish(signal),
          async () => undefined,
        ),
    },
    {
      name: "bus, making each signal",
      count,
      run: (n) =>
        bursts(
          n,
          () => bus.emit("orders.invoice.created", "bench", null),
          () => bus.idle(),
        ),
    },
  ]);
  report(`publish to ${subscribers} subscribers until all have it, per signal`, times, control);
  const time = times.get("bus") ?? Number.NaN;
  console.log(
    `  → ${Math.round(1e9 / time).toLocaleString("en")} signals/s, ${formatNs(time / subscribers)} per delivery`,
  );
}

// One at a time: publish, then wait until the last of 1 000 has it.
const bus = new SignalBus();
for (const handler of handlers) bus.subscribe("orders.**", handler);
const one = factory.create("orders.invoice.created", "bench", null);
const single = await compare([
  {
    name: "publish to 1 000, wait until all have it",
    count: 2000,
    run: async (n) => {
      for (let i = 0; i < n; i++) {
        bus.publish(one);
        await bus.idle();
      }
    },
  },
]);
report("one signal at a time", single, "publish to 1 000, wait until all have it");

const durable = new SignalBus();
const orders = durable.persistent("orders", "orders.**", { maxPending: 10_000 });
orders.attach(() => undefined);
const persistent = await compare([
  {
    name: "persistent: publish, deliver, acknowledge",
    count: 100_000,
    run: async (n) => {
      for (let i = 0; i < n; i++) {
        durable.publish(one);
        if (i % 1000 === 999)
          while (orders.pending + orders.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  },
]);
report("persistent subscription, per signal", persistent, "persistent: publish, deliver, acknowledge");
await Promise.all([bus.close(), durable.close()]);
