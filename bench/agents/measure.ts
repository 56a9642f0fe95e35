// What the scripts beside it share. Every arm has its turn in each round, beside a control, and counts the CPU time of its
// thread: on a shared machine elapsed time tells how busy the neighbours are, a ratio of CPU times of one moment does not.

export interface Arm {
  readonly name: string;
  /** Does `count` operations. */
  readonly run: (count: number) => void | Promise<void>;
  readonly count: number;
}

const elapsed = async (arm: Arm): Promise<number> => {
  const start = process.threadCpuUsage();
  await arm.run(arm.count);
  const { user, system } = process.threadCpuUsage(start);
  return ((user + system) * 1000) / arm.count;
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Median CPU time of this thread in ns per operation of each arm over rounds in which every arm has a turn; the first round warms up. */
export async function compare(arms: readonly Arm[], rounds = 9): Promise<Map<string, number>> {
  const times = new Map(arms.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const arm of arms) {
      const time = await elapsed(arm);
      if (round > 0) times.get(arm.name)?.push(time);
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

/** Prints each arm and how many times the control's time it takes. */
export function report(title: string, times: ReadonlyMap<string, number>, control: string): void {
  const base = times.get(control) ?? Number.NaN;
  console.log(title);
  for (const [name, time] of times) {
    const ratio = time / base;
    console.log(`  ${name.padEnd(46)} ${formatNs(time).padStart(10)}  ${ratio.toFixed(ratio < 10 ? 2 : 0)} × control`);
  }
}

export function formatNs(ns: number): string {
  if (ns < 1000) return `${ns.toFixed(1)} ns`;
  return ns < 1e6 ? `${(ns / 1000).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}

/** Nearest-rank percentile of single durations. */
export function percentile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}
