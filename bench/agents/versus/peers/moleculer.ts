// The lines of bench/agents/versus on Moleculer: one service a broker with an action, and 1 000 that listen. Run by ../run.ts.
import { ASKS, asks, CREATED, creation, order, PUBLISHED, repeat, rounds } from "../round.ts";

interface Broker {
  createService(schema: unknown): unknown;
  destroyService(service: unknown): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  call(action: string, parameters: unknown, options?: unknown): Promise<unknown>;
  broadcastLocal(event: string, payload: unknown): Promise<unknown> | undefined;
}
interface Moleculer {
  readonly ServiceBroker: new (options: unknown) => Broker;
}

const module = (await import("moleculer")) as unknown as Moleculer & { readonly default?: Moleculer };
const { ServiceBroker } = module.default ?? module;
const broker = new ServiceBroker({ logger: false, requestTimeout: 5000 });
let total = 0;
broker.createService({
  name: "counter",
  actions: {
    add: (context: { readonly params: { readonly by: number } }) => {
      total += context.params.by;
      return total;
    },
    step: {
      params: { by: "number|integer" },
      handler: (context: { readonly params: { readonly by: number } }) => {
        total += context.params.by;
        return total;
      },
    },
  },
});
let heard = 0;
for (let i = 0; i < 1000; i++) {
  broker.createService({
    name: `listener-${i}`,
    events: {
      "orders.created": () => {
        heard += 1;
      },
    },
  });
}
await broker.start();
let made = 0;

await rounds(
  async () => ({
    ...(await creation(
      CREATED / 1000,
      () => {
        made += 1;
        return broker.createService({ name: `made-${made}`, actions: { add: () => 1 } });
      },
      (service) => broker.destroyService(service),
    )),
    ask: await asks(ASKS / 2, () => broker.call("counter.add", { by: 1 }, { timeout: 5000 })),
    step: await asks(ASKS / 2, () => broker.call("counter.step", { by: 1 }, { timeout: 5000 })),
    publish: await repeat(PUBLISHED / 4, async () => {
      heard = 0;
      await broker.broadcastLocal("orders.created", { total: 1 });
      while (heard < 1000) await new Promise((resolve) => setImmediate(resolve));
    }),
  }),
  order().count,
  2,
);
process.exit(0);
