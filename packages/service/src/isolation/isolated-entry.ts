// Runs in a thread of IsolatedWorkers.
import { parentPort, workerData } from "node:worker_threads";
import type { IsolatedReply } from "./isolated-workers.ts";

type Work = (input: unknown) => unknown;

const port = parentPort;
if (port === null) throw new Error("isolated-entry is started by IsolatedWorkers, as a worker thread");
const { default: work } = (await import(workerData as string)) as { readonly default: Work };
port.postMessage({ ready: true }, []);
port.on("message", (input: unknown) => void answer(input));

async function answer(input: unknown): Promise<void> {
  port?.postMessage(await replyTo(input), []);
}

async function replyTo(input: unknown): Promise<IsolatedReply> {
  try {
    return { ok: true, value: await work(input) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
