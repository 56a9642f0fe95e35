// Runs in a worker thread of a TaskPool. Imports nothing of ours, so that it starts as fast as a thread can.
import { parentPort, workerData } from "node:worker_threads";

/** A function of the module that the pool was made for. */
type Task = (input: unknown) => unknown;

const port = parentPort;
if (port === null) throw new Error("task-worker is started by a TaskPool, as a worker thread");
const { module: url, task: name } = workerData as { module: string; task: string };
const loaded = (await import(url)) as Record<string, unknown>;
const task = loaded[name];

port.on("message", (message: { readonly id: number; readonly input: unknown }) => {
  void answer(message.id, message.input);
});

async function answer(id: number, input: unknown): Promise<void> {
  try {
    if (typeof task !== "function") throw new TypeError(`${url} exports no function ${name}`);
    const value = await (task as Task)(input);
    port?.postMessage({ id, ok: true, value });
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    // Name, message and stack only: what else hangs on an error may not cross threads.
    port?.postMessage({ id, ok: false, error: { name: failure.name, message: failure.message, stack: failure.stack } });
  }
}
