import {
  type AgentDefinition,
  type AgentRef,
  defineAction,
  defineAgent,
  type Runtime,
  type SupervisorRef,
} from "@mettle/agents";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import { timeEach } from "../../measure/operations.ts";
import { until } from "../../measure/until.ts";
import { AskedToFail } from "../../platform/work.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

/** A part of a system, and what must run before it. */
export interface Component {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/** Twelve parts of a usual system, listed in no order that would start. */
export const components: readonly Component[] = [
  { name: "api", dependsOn: ["router", "auth", "metrics"] },
  { name: "router", dependsOn: ["registry", "bus"] },
  { name: "auth", dependsOn: ["store"] },
  { name: "registry", dependsOn: ["store"] },
  { name: "bus", dependsOn: ["config"] },
  { name: "store", dependsOn: ["config"] },
  { name: "config", dependsOn: [] },
  { name: "metrics", dependsOn: ["bus"] },
  { name: "scheduler", dependsOn: ["bus", "store"] },
  { name: "planner", dependsOn: ["registry", "scheduler"] },
  { name: "workers", dependsOn: ["planner"] },
  { name: "supervisor", dependsOn: ["workers", "metrics"] },
];

/** Each after all that it depends on; in the order given where that leaves a choice. */
export function startOrder(parts: readonly Component[]): readonly Component[] {
  const ordered: Component[] = [];
  const started = new Set<string>();
  while (ordered.length < parts.length) {
    const next = parts.filter(
      ({ name, dependsOn }) => !started.has(name) && dependsOn.every((each) => started.has(each)),
    );
    if (next.length === 0) throw new Error("the components depend on one another in a circle");
    for (const part of next) {
      started.add(part.name);
      ordered.push(part);
    }
  }
  return ordered;
}

/** What the components of one start share: who runs, how often each began, and how often some must fail first. */
interface Assembly {
  readonly running: Set<string>;
  readonly begun: string[];
  readonly missing: string[];
  readonly failuresLeft: Map<string, number>;
}

interface PartState {
  readonly part: Component;
  readonly assembly: Assembly;
}
interface PartProtocol {
  readonly fail: { readonly input: void; readonly reply: undefined };
  readonly name: { readonly input: void; readonly reply: string };
}

const part: AgentDefinition<PartState, PartProtocol> = defineAgent({
  name: "part",
  state: (): PartState => ({
    part: { name: "none", dependsOn: [] },
    assembly: { running: new Set(), begun: [], missing: [], failuresLeft: new Map() },
  }),
  start: "begin",
  actions: {
    begin: defineAction({
      run: ({ part: { name, dependsOn }, assembly }: PartState) => {
        assembly.begun.push(name);
        for (const each of dependsOn) if (!assembly.running.has(each)) assembly.missing.push(`${name} without ${each}`);
        const left = assembly.failuresLeft.get(name) ?? 0;
        assembly.failuresLeft.set(name, left - 1);
        if (left > 0) {
          assembly.running.delete(name);
          throw new AskedToFail();
        }
        assembly.running.add(name);
      },
    }),
    fail: defineAction({
      run: ({ part: { name }, assembly }: PartState): { reply: undefined } => {
        assembly.running.delete(name);
        throw new AskedToFail();
      },
    }),
    name: defineAction({ mode: "read", run: ({ part: { name } }: PartState) => ({ reply: name }) }),
  },
});

interface Assembled {
  readonly assembly: Assembly;
  readonly supervisor: SupervisorRef;
  readonly refs: ReadonlyMap<string, AgentRef<PartProtocol>>;
}

/** Starts the components in their order under one supervisor; resolves when all of them answer. */
async function assemble(runtime: Runtime, failures: ReadonlyMap<string, number>): Promise<Assembled> {
  const assembly: Assembly = { running: new Set(), begun: [], missing: [], failuresLeft: new Map(failures) };
  // One that fails takes those started after it along, for they may depend on it.
  const supervisor = runtime.supervisor({ strategy: "rest-for-one", maxRestarts: 10, backoffMs: 1 });
  const refs = new Map<string, AgentRef<PartProtocol>>();
  for (const each of startOrder(components)) {
    const ref = supervisor.spawn(part, { name: each.name, restart: "permanent", state: { part: each, assembly } });
    refs.set(each.name, ref);
    // The next one may need it: started means that it answers.
    await runs([each.name], assembly, supervisor);
    const answer = await ref.ask({ type: "name" });
    if (answer !== each.name) throw new Error(`${each.name} answers as ${answer}`);
  }
  return { assembly, supervisor, refs };
}

/** Waits until these components run; whoever has given them up need not be waited for. */
async function runs(names: readonly string[], { running }: Assembly, supervisor: SupervisorRef): Promise<void> {
  const all = (): boolean => names.every((name) => running.has(name));
  await until(() => all() || supervisor.state === "ended", 30_000);
  if (!all()) throw new Error(`${names.join(" and ")} are not started again`);
}

/** Dependencies that hold at the first start, start failures that are overcome, and a restart in the running system. */
export const componentStart: Scenario = {
  suite: "system",
  group: "infrastructure_benchmarks",
  id: "system.components",
  needs: ["mettle"],
  title: "Twelve components that depend on one another: start, failing starts, and a restart",
  requirement: ["S2-018", "S2-074", "S2-075", "S2-117"],
  seconds: timesBeyondSmoke(2),
  rules: {
    thresholds: {
      "system.components.order-kept": { threshold: "rate == 1", severity: "critical", requirement: ["S2-074"] },
      "system.components.recovered": { threshold: "rate == 1", severity: "critical", requirement: ["S2-075"] },
      "system.components.restarted": { threshold: "rate == 1", severity: "critical", requirement: ["S2-117"] },
      "system.components.time": { threshold: "p(95) < 200ms", requirement: ["S2-049", "S2-072"] },
      "system.components.recovery.time": { threshold: "p(95) < 1s", requirement: ["S2-075"] },
      "system.components.restart.time": { threshold: "p(95) < 100ms", requirement: ["S2-117"] },
    },
  },
  run: async ({ record, seconds, signal }) => {
    await measureComponents({ record, seconds, signal, create: runtimeForMeasuring });
  },
};

interface ComponentTrial {
  readonly record: Parameters<Scenario["run"]>[0]["record"];
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly create: () => Runtime;
}

/** The measuring of {@link componentStart} on any runtime. */
export async function measureComponents(trial: ComponentTrial): Promise<void> {
  const { record, seconds, signal, create } = trial;
  const kept = { order: 0, recovered: 0, restarted: 0, starts: 0, recoveries: 0, restarts: 0 };
  const extent = { atMost: 2000, atLeast: 20, seconds: seconds / 3 };
  const onFresh = async <T>(use: (runtime: Runtime) => Promise<T>): Promise<T> => {
    await using runtime = create();
    return await use(runtime); // closed only after that
  };
  await timeEach(
    record.operation("system.components.time"),
    extent,
    {
      run: () =>
        onFresh(async (runtime) => {
          kept.starts += 1;
          const { assembly } = await assemble(runtime, new Map());
          const once = assembly.begun.length === components.length;
          if (assembly.missing.length === 0 && once && assembly.running.size === components.length) kept.order += 1;
        }),
    },
    signal,
  );
  await timeEach(
    record.operation("system.components.recovery.time"),
    extent,
    {
      run: () =>
        onFresh(async (runtime) => {
          kept.recoveries += 1;
          const failures = new Map([
            ["store", 2],
            ["router", 1],
          ]);
          const { assembly } = await assemble(runtime, failures);
          const again = assembly.begun.filter((name) => name === "store").length;
          if (assembly.running.size === components.length && again === 3) kept.recovered += 1;
        }),
    },
    signal,
  );
  await timeEach(
    record.operation("system.components.restart.time"),
    extent,
    {
      before: async () => {
        const runtime = create();
        return { runtime, ...(await assemble(runtime, new Map())) };
      },
      run: async ({ assembly, supervisor, refs }) => {
        kept.restarts += 1;
        const planner = refs.get("planner")!;
        await planner.ask({ type: "fail" }).then(neverHappens, () => undefined);
        await runs(["planner", "supervisor"], assembly, supervisor);
        if ((await planner.ask({ type: "name" })) === "planner") kept.restarted += 1;
      },
      after: ({ runtime }) => runtime.close({ drain: false }),
    },
    signal,
  );
  record.rate("system.components.order-kept", kept.order, kept.starts);
  record.rate("system.components.recovered", kept.recovered, kept.recoveries);
  record.rate("system.components.restarted", kept.restarted, kept.restarts);
}

const neverHappens = (): never => {
  throw new Error("a component that was asked to fail has answered");
};
