import { parentPort } from "node:worker_threads";
import { engineClock, nowMs } from "./engine-clock.ts";
import { importLoadTest } from "./import-load-test.ts";
import type { ToWorker } from "./protocol.ts";
import { sharedNowMs } from "./worker-handle.ts";
import { WorkerSession } from "./worker-session.ts";

/** The program of a worker thread. */
const port = parentPort;
if (!port) throw new Error("worker-entry is started by the engine, as a thread");

const offsetMs = sharedNowMs() - nowMs(engineClock);
const session = new WorkerSession(
  {
    send: (message) => {
      port.postMessage(message);
    },
  },
  {
    clock: engineClock,
    load: (source) => {
      if (!source) throw new Error("a worker thread needs to be told where its load test comes from");
      return importLoadTest(source);
    },
    fromSharedMs: (atMs) => atMs - offsetMs,
  },
);
port.on("message", (message: ToWorker) => {
  session.handle(message);
});
