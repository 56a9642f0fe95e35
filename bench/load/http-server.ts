// The plain Node server of http-cost.ts. Prints its URL.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((_, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end("hello world, this is a small body\n");
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
