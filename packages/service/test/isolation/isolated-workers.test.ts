import { afterAll, describe, expect, test } from "vitest";
import { ManualClock, ms, systemClock } from "@mettle/core";
import { IsolatedWorkers, type IsolationOptions } from "../../src/isolation/isolated-workers.ts";

const open: IsolatedWorkers<object, unknown>[] = [];
function workersWith(options: Partial<IsolationOptions> = {}): IsolatedWorkers<object, unknown> {
  const module = new URL("./fixtures/jobs.ts", import.meta.url);
  const workers = new IsolatedWorkers<object, unknown>({
    module,
    processes: 1,
    waiting: 5,
    heapMb: 32,
    clock: systemClock,
    ...options,
  });
  open.push(workers);
  return workers;
}
afterAll(async () => {
  for (const workers of open) await workers.close();
});
const long = ms(60_000);
const echo = (value: unknown): object => ({ kind: "echo", value });

describe("limits cost their process, and the next job has another", () => {
  const workers = workersWith();
  test.each([
    ["an endless loop", "spin", 50, "timeout"],
    ["an answer that never comes", "never", 50, "timeout"],
    ["memory without end", "hoard", 60_000, "memory"],
    ["a process that ends itself", "exit", 60_000, "failed"],
  ])("%s", async (_name, kind, deadline, reason) => {
    await expect(workers.run({ kind }, ms(deadline))).rejects.toMatchObject({ reason });
    expect(await workers.run(echo(kind), long)).toBe(kind);
  });
});

test("a job's own error is told, and costs nothing", async () => {
  const workers = workersWith();
  await expect(workers.run({ kind: "throw" }, long)).rejects.toMatchObject({ reason: "failed", message: "as asked" });
  expect(await workers.run(echo(1), long)).toBe(1);
});

test("jobs wait for a thread in order, as many as may", async () => {
  const clock = new ManualClock();
  const workers = workersWith({ clock, waiting: 2 });
  await workers.run(echo(0), long); // a thread that has begun: the time of a job is its own
  const spinning = workers.run({ kind: "spin" }, ms(100));
  const waiting = [workers.run(echo(1), long), workers.run(echo(2), long)];
  await expect(workers.run(echo(3), long)).rejects.toMatchObject({ reason: "busy" });
  expect(workers.load).toBe(3);
  const outcome = spinning.catch((failure: unknown) => failure);
  await clock.advance(ms(100));
  expect(await outcome).toMatchObject({ reason: "timeout", message: "It took longer than 100 ms." });
  expect(await Promise.all(waiting)).toEqual([1, 2]);
  expect(workers.load).toBe(0);
});

test("an abort ends a running job and takes a waiting one out", async () => {
  const workers = workersWith();
  const ending = new AbortController();
  const running = workers.run({ kind: "spin" }, long, ending.signal);
  const waiting = workers.run(echo(1), long, ending.signal);
  ending.abort();
  await expect(running).rejects.toMatchObject({ reason: "cancelled" });
  await expect(waiting).rejects.toMatchObject({ reason: "cancelled" });
  expect(await workers.run(echo(2), long)).toBe(2);
});

test("closing ends what runs and waits", async () => {
  const workers = workersWith();
  const jobs = [workers.run({ kind: "spin" }, long), workers.run(echo(1), long)];
  const settled = Promise.allSettled(jobs);
  await workers.close();
  expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(workers.run(echo(1), long)).rejects.toMatchObject({ reason: "cancelled" });
});

test("processes know nothing of the environment", async () => {
  process.env["ISOLATION_TEST_SECRET"] = "x";
  expect(await workersWith().run({ kind: "environment" }, long)).toEqual({});
});
