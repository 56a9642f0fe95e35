/** What is measured: a function that only computes, and one that allocates (objects, strings, arrays). */
export const workloads = ["compute", "allocate"] as const;
export type Workload = (typeof workloads)[number];

/** `twin` is `base` again, compiled separately; `plus1` and `plus2` do 1 % and 2 % more work. */
export const arms = ["base", "twin", "plus1", "plus2"] as const;
export type Arm = (typeof arms)[number];

const added: Readonly<Record<Arm, number>> = { base: 0, twin: 0, plus1: 0.01, plus2: 0.02 };

/**
 * Loop turns of `base`. The slow-down is injected by turns, whole numbers of them by the choice of these, and nearly all of
 * a call is in its turns: `calibrate.ts` says how nearly. So 2 % more turns are 2 % more time in every process, whatever
 * state its caches are in.
 */
const turns: Readonly<Record<Workload, number>> = { compute: 10_800, allocate: 400 };

/** Loop turns that `arm` makes in one call. */
export function turnsOf(workload: Workload, arm: Arm): number {
  return Math.round((1 + added[arm]) * turns[workload]);
}

/**
 * Source text of a factory of the arm. The text differs from arm to arm by the function's name, so V8 shares neither
 * its code nor its feedback with another arm. Each call leaves its result in a variable that outlives it: none can be
 * optimised away. `compute` is Marsaglia's xorshift32, 32-bit integers in every tier of the compiler (a sum that
 * overflows would cost four times as much in the middle tier); `allocate` takes its input from a counter, the same
 * in every arm, since what it hashes changes its time, and keeps one Map: made anew in each call it cost 25 to 90 turns
 * outside the loop, by the state of the caches, and nobody could say what 2 % were.
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
const counts = new Map();
return function ${name}() {
  const x = (calls = (calls + 1) & 1023);
  let s = 0;
  for (let i = 0; i < ${turns}; i++) {
    const record = { id: i ^ x, key: "k" + ((i * 7 + x) & 63), parts: [i, x] };
    counts.set(record.key, ((counts.get(record.key) || 0) + record.parts[0]) & 0xffff);
    s += record.id;
  }
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
