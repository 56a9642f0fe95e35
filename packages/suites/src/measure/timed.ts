import { nowNs } from "./time.ts";

/** Runs something once. What it throws goes to the caller: an operation that failed has no time. */
export async function timed<T>(run: () => T | Promise<T>): Promise<{ readonly result: T; readonly tookNs: number }> {
  const start = nowNs();
  const running = run();
  const result = running instanceof Promise ? await running : running;
  return { result, tookNs: nowNs() - start };
}
