/** What is measured: a function that only computes, and one that allocates (objects, strings, arrays, a Map). */
export const workloads = ["compute", "allocate"] as const;
export type Workload = (typeof workloads)[number];

/** `twin` is `base` again, compiled separately; `plus1` and `plus2` do 1 % and 2 % more work. */
export const arms = ["base", "twin", "plus1", "plus2"] as const;
export type Arm = (typeof arms)[number];

const added: Readonly<Record<Arm, number>> = { base: 0, twin: 0, plus1: 0.01, plus2: 0.02 };

/**
 * Loop turns of `base`, and what everything outside the loop costs, in turns. The slow-down is injected by turns, so
 * it is `added × (turns + fixed)` turns, a whole number by the choice of `turns`. `fixed` was measured by
 * `calibrate.ts`, which puts that of `allocate` between 25 and 35; README.md says what that leaves of the 2 %.
 */
const sizes: Readonly<Record<Workload, { readonly turns: number; readonly fixed: number }>> = {
  compute: { turns: 10_800, fixed: 0 },
  allocate: { turns: 363, fixed: 37 },
};

/** Loop turns that `arm` makes in one call. */
export function turnsOf(workload: Workload, arm: Arm): number {
  const { turns, fixed } = sizes[workload];
  return turns + Math.round(added[arm] * (turns + fixed));
}

/**
 * Source text of a factory of the arm. The text differs from arm to arm by the function's name, so V8 shares neither
 * its code nor its feedback with another arm. Each call leaves its result in a variable that outlives it: none can be
 * optimised away. `compute` is Marsaglia's xorshift32, 32-bit integers in every tier of the compiler (a sum that
 * overflows would cost four times as much in the middle tier); `allocate` takes its input from a counter, the same
 * in every arm, since what it hashes changes its time.
 */
function sourceOf(workload: Workload, name: string, turns: number): string {
  if (workload === "compute") {
    return `let state = 1;
return function ${name}() {
  let s = state | 0;
  for (let i = 0; i < ${turns}; i++) {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
  }
  state = s;
  return s;
};`;
  }
  return `let calls = 0;
let sink = 0;
return function ${name}() {
  const x = (calls = (calls + 1) & 1023);
  const counts = new Map();
  let s = 0;
  for (let i = 0; i < ${turns}; i++) {
    const record = { id: i ^ x, key: "k" + ((i * 7 + x) & 63), parts: [i, x] };
    counts.set(record.key, (counts.get(record.key) || 0) + record.parts[0]);
    s += record.id;
  }
  for (const [key, count] of counts) s ^= count + key.length;
  sink ^= s;
  return sink;
};`;
}

/** A function of the workload with its own code, making `turns` loop turns a call. */
export function makeFunction(workload: Workload, name: string, turns: number): () => number {
  // oxlint-disable-next-line typescript/no-implied-eval -- every arm needs a source text of its own
  return (new Function(sourceOf(workload, name, turns)) as () => () => number)();
}

/** The arm as a function without arguments, about 18–20 µs a call where a core runs at about 3 GHz. */
export function makeArm(workload: Workload, arm: Arm): () => number {
  return makeFunction(workload, arm, turnsOf(workload, arm));
}
