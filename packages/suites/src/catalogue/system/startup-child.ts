// A fresh process that opens one platform, uses it once, tells how long each step took, and ends.
import type { StartupTimes } from "./startup-process.ts";

const beforeLoading = performance.now();
const { openPlatform } = await import("../../adapters/adapters.ts");
const heapBefore = process.memoryUsage().heapUsed;
const platform = await openPlatform(process.argv[2]!);
const started = performance.now();
const agent = await platform.spawn();
const answered = (await platform.ask(agent, { type: "add", data: 1 }, 5000)) === 1;
const ready = performance.now();
const times: StartupTimes = {
  startupMs: started - beforeLoading,
  // performance.now() counts from the start of the process.
  readyMs: ready,
  memoryBytes: process.memoryUsage().heapUsed - heapBefore,
  answered,
};
await platform[Symbol.asyncDispose]();
process.send!(times, undefined, {}, () => process.exit(0));
