/** One thing to measure: runs its body once and returns when the result is there. */
export interface Contender {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

export interface Timing {
  readonly name: string;
  /** Median over the rounds, in nanoseconds a run. */
  readonly medianNs: number;
  /** Median of (first contender / this one) within a round: over 1 is faster than the first. */
  readonly speedUp: number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Times contenders in turns, so that a slow moment of the machine hits all of them; the first is the one compared with. */
export async function alternate(
  contenders: readonly Contender[],
  { rounds = 15, runs = 10 }: { readonly rounds?: number; readonly runs?: number } = {},
): Promise<Timing[]> {
  const times = contenders.map((): number[] => []);
  for (let round = -2; round < rounds; round++) {
    for (const [i, { run }] of contenders.entries()) {
      const start = process.hrtime.bigint();
      for (let n = 0; n < runs; n++) await run();
      const ns = Number(process.hrtime.bigint() - start) / runs;
      if (round >= 0) times[i]!.push(ns); // the first two rounds are for the compiler
    }
  }
  return contenders.map(({ name }, i) => ({
    name,
    medianNs: median(times[i]!),
    speedUp: median(times[i]!.map((ns, round) => times[0]![round]! / ns)),
  }));
}

/** Prints a table; `per` is how many operations one run does. */
export function show(title: string, timings: readonly Timing[], per = 1): void {
  console.log(`\n${title}`);
  for (const { name, medianNs, speedUp } of timings) {
    const each = medianNs / per;
    const time =
      each >= 1e6
        ? `${(each / 1e6).toFixed(2)} ms`
        : each >= 1e3
          ? `${(each / 1e3).toFixed(2)} µs`
          : `${each.toFixed(1)} ns`;
    console.log(`  ${name.padEnd(58)} ${time.padStart(10)}  × ${speedUp.toFixed(2)}`);
  }
}
