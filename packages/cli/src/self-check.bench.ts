import { bench, suite } from "@mettle/bench";

// What `mettle doctor` measures: the same body twice. Every difference it shows is the machine's.

const work = (): number => {
  let state = 1;
  const kept: { value: number }[] = [];
  for (let i = 0; i < 2000; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    if ((i & 31) === 0) kept.push({ value: state });
  }
  return kept.length + state;
};

suite("self-check", () => {
  bench("one", work);
  bench("the same", work);
});
