import { type Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { createRuntime, type Down, type Runtime, type RuntimeEvent, type RuntimeOptions } from "../../src/index.ts";
import { collector, forgetful, speaker } from "./agents-for-shards.ts";
import { settled } from "../support.ts";

const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

let runtime: Runtime;
let events: RuntimeEvent[];
const start = (options: RuntimeOptions = {}): Runtime => {
  runtime = createRuntime({ shards: { workers: 1 }, askTimeoutMs: 60_000, ...options });
  events = [];
  runtime.observe((event) => events.push(event));
  return runtime;
};
const event = (kind: RuntimeEvent["kind"], count = 1): Promise<RuntimeEvent> =>
  new Promise((resolve) => {
    const look = (): void => {
      const known = events.filter((event) => event.kind === kind);
      if (known.length >= count) resolve(known[count - 1]!);
    };
    look();
    runtime.observe(look);
  });
/** Ends the worker threads as a fault of the machine would. */
function killThreads(): void {
  for (const thread of threads.splice(0)) if (thread.threadId > 0) void thread.terminate();
}

afterEach(() => runtime.close({ drain: false }));

test("a signal that the bus refuses is reported; neither its thread nor this one ends of it", async () => {
  const agent = start().spawn(speaker, { placement: 1 });
  await agent.ask({ type: "say", data: { type: "no type at all!" } });
  expect(await event("signal-refused")).toMatchObject({
    agent: agent.address,
    type: "no type at all!",
    error: { code: "SIGNAL_TYPE_INVALID" },
  });
  const heard = new Promise((resolve) => runtime.bus.subscribe("words.said", ({ data }) => resolve(data)));
  await agent.ask({ type: "say", data: { type: "words.said", data: 1 } });
  expect(await heard).toBe(1);
});
