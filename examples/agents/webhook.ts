// A signal leaves the process as a signed CloudEvent and comes back in, checked. The breaker stops calling a receiver
// that keeps failing.
//
//   node -C mettle-source examples/agents/webhook.ts
//
// Prints:
//   received orders.invoice.created from shop, trusted
//   not dispatched: DISPATCH_FAILED
//   not dispatched: DISPATCH_FAILED
//   not dispatched: BREAKER_OPEN
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CircuitBreaker,
  CloudEventIds,
  ConcurrencyLimit,
  fromCloudEvent,
  fromHttp,
  guarded,
  isReceiverFailure,
  SignalFactory,
  verifyWebhook,
  WebhookSecret,
  webhookDispatch,
} from "@mettle/agents";
import { MettleError } from "@mettle/core";

const secret = new WebhookSecret(`whsec_${Buffer.alloc(32, "secret").toString("base64")}`);
let next = 0;
let down = false;
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    if (down) {
      response.writeHead(503).end();
      return;
    }
    const body = Buffer.concat(parts);
    verifyWebhook(request.headers, body, [secret]);
    for (const event of fromHttp(request.headers, body)) {
      const { type, source } = fromCloudEvent(event, { next: () => ++next });
      console.log(`received ${type} from ${source}, trusted`);
    }
    response.writeHead(202).end();
  });
});
await new Promise<void>((resolve) => {
  server.listen(0, "127.0.0.1", resolve);
});

const webhook = guarded(
  webhookDispatch({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secret,
    ids: new CloudEventIds(),
  }),
  { limit: new ConcurrencyLimit(8), breaker: new CircuitBreaker({ failures: 2, isFailure: isReceiverFailure }) },
);
const signals = new SignalFactory();
const dispatch = async (): Promise<void> => {
  try {
    await webhook.dispatch(signals.create("orders.invoice.created", "shop", { total: 12 }));
  } catch (error) {
    console.log(`not dispatched: ${error instanceof MettleError ? error.code : String(error)}`);
  }
};

await dispatch();
down = true;
for (let i = 0; i < 3; i++) await dispatch();
server.closeAllConnections();
server.close();
