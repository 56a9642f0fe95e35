// A first benchmark: which of three ways to look an agent up by name costs least?
//
//   npx mettle bench examples/first.bench.ts
import { bench, suite } from "@mettle/bench";

const agents = Array.from({ length: 1000 }, (_, i) => ({ name: `agent-${i}`, load: i % 10 }));
const byName = new Map(agents.map((agent) => [agent.name, agent]));
const record = Object.fromEntries(byName);

// Another agent at each call: a search for the same one the compiler may do once, before all calls.
let turn = 0;
const nextName = (): string => `agent-${(turn = (turn + 7) % agents.length)}`;

// The cases of a suite are compared with its first, or with the one marked `baseline: true`.
suite("find an agent among 1000", () => {
  // What a body returns is kept alive, so that the compiler cannot remove the work.
  bench("array", () => {
    const wanted = nextName();
    return agents.find(({ name }) => name === wanted);
  });
  bench("map", () => byName.get(nextName()));
  bench("record", () => record[nextName()]);
});

// One case for each value; the body finds it in its context.
bench(
  "sum the load of the first agents",
  ({ parameters }) => agents.slice(0, Number(parameters["count"])).reduce((sum, { load }) => sum + load, 0),
  { parameters: { count: [10, 1000] } },
);
