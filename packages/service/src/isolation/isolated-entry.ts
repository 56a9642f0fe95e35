// Runs in a process of IsolatedWorkers; the argument is the address of the module that does the work.
import type { IsolatedReply } from "./isolated-workers.ts";

type Work = (input: unknown) => unknown;

const [, , address] = process.argv;
if (process.send === undefined || address === undefined)
  throw new Error("isolated-entry is started by IsolatedWorkers");
const { default: work } = (await import(address)) as { readonly default: Work };
process.on("message", (input: unknown) => void answer(input));
process.send({ ready: true } satisfies IsolatedReply);

async function answer(input: unknown): Promise<void> {
  process.send?.(await replyTo(input));
}

async function replyTo(input: unknown): Promise<IsolatedReply> {
  try {
    return { ok: true, value: await work(input) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
