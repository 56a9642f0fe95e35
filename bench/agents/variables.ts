// What a variable costs: to make, to change, to adapt; to change many at once, and to tell a hundred agents. Beside a plain object
// with a check and a callback, which is what such a value would otherwise be.
//
// Run: node --expose-gc -C mettle-source bench/agents/variables.ts
import { Random, systemClock } from "@mettle/core";
import {
  ChoiceKind,
  FloatKind,
  TeamKind,
  TimerWheel,
  UpdateBroadcast,
  Variable,
  VariableCoordinator,
  type VariableEnvironment,
  type VariableUpdated,
} from "@mettle/agents";
import { alternate, show } from "./alternate.ts";

const timers = new TimerWheel(systemClock);
const random = new Random(1);
let told = 0;
const environment = <Value>(): VariableEnvironment<Value> => ({
  clock: systemClock,
  timers,
  random,
  node: "n1",
  emit: (_signal, affected) => void (told += 1 + affected.length),
});
const affected = Array.from({ length: 5 }, (_, i) => `agent ${i}`);
const makeFloat = (name: string): Variable<number> => {
  const kind = new FloatKind({ min: 0, max: 1e9, direction: "maximise", learningRate: 1e-9 });
  return new Variable<number>({ name, kind, environment: environment(), affected });
};
const pool = Array.from({ length: 10 }, (_, i) => ({ agent: `a${i}`, capabilities: ["any"], performance: i / 10 }));
const roles = [{ role: "lead", capability: "any" }, { role: "hand" }];

show(
  "make one",
  await alternate(
    [
      { name: "float", run: () => void makeFloat("f") },
      {
        name: "choice of 5",
        run: () => {
          const kind = new ChoiceKind({ choices: ["a", "b", "c", "d", "e"] });
          void new Variable<string>({ name: "c", kind, environment: environment() });
        },
      },
      {
        name: "team of 2 from 10",
        run: () => void new Variable({ name: "t", kind: new TeamKind({ pool, roles }), environment: environment() }),
      },
    ],
    { runs: 2000 },
  ),
);

const BATCH = 1000;
const plain = { value: 0, generation: 0, listener: (_old: number, _new: number) => void (told += 1) };
const float = makeFloat("f");
let next = 0;
show(
  "change the value, 5 agents told",
  await alternate(
    [
      {
        name: "plain object, check and callback",
        run: () => {
          for (let i = 0; i < BATCH; i++) {
            const value = next++ % 1000;
            if (!(value >= 0 && value <= 1e9)) throw new Error("invalid");
            const old = plain.value;
            plain.value = value;
            plain.generation += 1;
            plain.listener(old, value);
          }
        },
      },
      {
        name: "Variable.change, local",
        run: () => {
          for (let i = 0; i < BATCH; i++) float.change(next++ % 1000, "bench");
        },
      },
    ],
    { runs: 20 },
  ),
  BATCH,
);

const choice = new Variable<string>({
  name: "c",
  kind: new ChoiceKind({ choices: ["a", "b", "c", "d", "e"], bandit: "thompson" }),
  environment: environment(),
});
show(
  "adapt to one feedback",
  await alternate(
    [
      {
        name: "float, slope of the last five",
        run: () => void float.feedback({ performance: 100 + random.uniform() }),
      },
      { name: "choice, Thompson sampling of five", run: () => void choice.feedback({ performance: random.uniform() }) },
    ],
    { runs: 2000 },
  ),
);

const coordinator = new VariableCoordinator({ timers, random });
const many = Array.from({ length: 100 }, (_, i) => makeFloat(`v${i}`));
for (const variable of many) coordinator.register(variable);
show(
  "change 100 variables",
  await alternate(
    [
      {
        name: "one after the other",
        run: () => {
          for (const variable of many) variable.change(next++ % 1000, "bench");
        },
      },
      {
        name: "in one batch, checked as a whole",
        run: () => {
          const updates = many.map(({ name }) => ({ variable: name, value: next++ % 1000 }));
          coordinator.update(updates, "bench");
        },
      },
    ],
    { runs: 50 },
  ),
);

const agents = Array.from({ length: 100 }, (_, i) => `agent ${i}`);
const mailboxes = new Map(agents.map((agent): [string, unknown[]] => [agent, []]));
const deliver = (agent: string, message: unknown): boolean => {
  const box = mailboxes.get(agent)!;
  if (box.length >= 64) box.length = 0;
  box.push(message);
  return true;
};
const updates = many.map(({ name }, i): VariableUpdated => {
  return { type: "variable.value.updated", variable: name, old: 0, new: i, generation: 1 };
});
const broadcast = new UpdateBroadcast({ agents: () => agents, deliver });
const timings = await alternate(
  [
    {
      name: "a message for each agent and update, copied",
      run: () => {
        for (const update of updates) for (const agent of agents) deliver(agent, { ...update });
      },
    },
    {
      name: "UpdateBroadcast: one for each agent, shared",
      run: () => {
        for (const update of updates) broadcast.add(update);
        broadcast.flush();
      },
    },
  ],
  { runs: 20 },
);
show("tell 100 agents of 100 updates", timings);

const collect = globalThis.gc;
if (collect !== undefined) {
  const bytesOf = (count: number): number => {
    collect();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: count }, (_, i) => makeFloat(`m${i}`));
    collect();
    const used = process.memoryUsage().heapUsed - before;
    return kept.length === count ? used : Number.NaN;
  };
  bytesOf(100);
  const [few, more] = [bytesOf(2000), bytesOf(12_000)];
  console.log(`\nmemory of a float variable, slope over 10 000: ${Math.round((more - few) / 10_000)} bytes`);
}
console.log(`\n(${told} signals told)`);
