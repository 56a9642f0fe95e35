// One generator of the comparison in http-cost.ts: a closed loop over our own client, for a process of its own.
//   node bench/load/http-loop.ts URL CONNECTIONS SECONDS dispatch|send
import { Exchange, HttpEngine } from "@mettle/load";

const [url = "", connections = "50", seconds = "5", way = "dispatch"] = process.argv.slice(2);
const engine = new HttpEngine({ maxConnectionsPerHost: Number(connections) });
const client = engine.client();
const request = { method: "GET", url, responseBody: "none" } as const;

let requests = 0;
let failed = 0;
let stopping = false;
const note = (status: number): void => {
  requests++;
  if (status !== 200) failed++;
};

function loopByCallback(): Promise<void> {
  return new Promise((resolve) => {
    const prepared = client.prepare(request);
    const onDone = (exchange: Exchange): void => {
      note(exchange.status);
      if (stopping) resolve();
      else client.dispatch(exchange);
    };
    client.dispatch(new Exchange(prepared, { keepHead: false, onDone }));
  });
}

async function loopByPromise(): Promise<void> {
  while (!stopping) note((await client.send(request)).status);
}

setTimeout(() => {
  stopping = true;
}, Number(seconds) * 1000);
await Promise.all(Array.from({ length: Number(connections) }, way === "send" ? loopByPromise : loopByCallback));
engine.close();
console.log(JSON.stringify({ requests, failed }));
