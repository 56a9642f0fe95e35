// What the subjects of bench/agents/versus share: how a line is measured, and how a round is handed over.
export type Values = Readonly<Record<string, number>>;

export const CREATED = 100_000;
export const ASKS = 100_000;
export const SENDS = 1_000_000;
/** Sent between two waits, so that a mailbox of 10 000 holds them. */
export const BURST = 8000;
export const LOOKUPS = 500_000;
export const REGISTERED = 100_000;
export const PUBLISHED = 200;

/**
 * CPU nanoseconds of the whole process (its collector and compiler included) per unit of what `body` does. Not wall time:
 * on a shared machine that is mostly the neighbours'.
 */
export async function cpu(count: number, body: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / count;
}

/** Heap bytes of each of `count` things that `make` makes, and what making one costs. Needs --expose-gc. */
export async function creation<Thing>(
  count: number,
  make: (i: number) => Thing,
  discard: (thing: Thing) => void | Promise<void>,
): Promise<{ readonly create: number; readonly idle: number }> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("run with --expose-gc");
  collect();
  const things: Thing[] = Array.from({ length: count });
  const before = process.memoryUsage().heapUsed;
  const create = await cpu(count, () => {
    for (let i = 0; i < count; i++) things[i] = make(i);
  });
  collect();
  const idle = (process.memoryUsage().heapUsed - before) / count;
  for (const thing of things) await discard(thing);
  return { create, idle };
}

/** `ask` one after the other. */
export const asks = (count: number, ask: () => Promise<unknown>): Promise<number> =>
  cpu(count, async () => {
    for (let i = 0; i < count; i++) await ask();
  });

/** Sends in bursts, each waited for with one request. */
export const sends = (count: number, send: () => void, last: () => Promise<unknown>): Promise<number> => {
  const bursts = Math.floor(count / BURST);
  return cpu(bursts * BURST, async () => {
    for (let burst = 0; burst < bursts; burst++) {
      for (let i = 0; i < BURST; i++) send();
      await last();
    }
  });
};

export const repeat = (count: number, body: () => Promise<unknown>): Promise<number> =>
  cpu(count, async () => {
    for (let i = 0; i < count; i++) await body();
  });

/** Nearest-rank percentile. */
export function percentile(values: Iterable<number>, fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Prints `count` rounds of `measure`, one JSON line each, after rounds to warm up that are not printed. */
export async function rounds(measure: () => Promise<Values>, count: number, warmUp: number): Promise<void> {
  for (let i = 0; i < warmUp; i++) await measure();
  for (let i = 0; i < count; i++) console.log(JSON.stringify(await measure()));
}

/** What the command line asks of a subject: `costs`, `events` or `neighbours`, and how many rounds. */
export function order(): { readonly what: string; readonly count: number } {
  return { what: process.argv[2] ?? "costs", count: Number(process.argv[3] ?? 3) };
}
