// A load test from a program, without the command: 200 iterations over four users against a server of this process.
//
//   node -C mettle-source examples/load/in-process.ts
//
// Prints:
//   200 iterations, 200 requests, 0 failed
//   every response came in 3 bytes of body: true
//   valid figures have a count of 200
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineLoad, resolvePlan, runLoad } from "@mettle/load";
import { findMeasurements } from "@mettle/results";

const server = createServer((_, response) => response.end("yes"));
await new Promise<void>((resolve) => {
  server.listen(0, "127.0.0.1", resolve);
});
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let whole = true;
const load = defineLoad({
  http: { baseUrl },
  scenarios: {
    calls: {
      vus: 4,
      iterations: 200,
      run: async (user) => {
        const { text } = await user.http.get("/");
        whole &&= text === "yes";
      },
    },
  },
});
const { run } = await runLoad({
  name: "in-process",
  plan: resolvePlan(load.options),
  from: { inline: { test: load } },
});
server.close();

const total = (metric: string) => findMeasurements(run, { metric, tags: {} })[0]?.summary;
console.log(
  `${total("iterations")?.sum} iterations, ${total("http_reqs")?.sum} requests, ${total("http_req_failed")?.rate} failed`,
);
console.log(`every response came in 3 bytes of body: ${whole}`);
console.log(`valid figures have a count of ${total("http_req_duration")?.count}`);
