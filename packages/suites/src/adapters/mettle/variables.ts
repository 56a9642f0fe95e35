import {
  type AnyRef,
  ChoiceKind,
  FloatKind,
  type Runtime,
  type SignalBus,
  TeamKind,
  type Timers,
  UpdateBroadcast,
  Variable,
  type VariableKind,
  type VariableSignalOut,
} from "@mettle/agents";
import { ms, Random, systemClock } from "@mettle/core";
import { suitesErrors } from "../../errors.ts";
import type {
  AdaptationResult,
  AgentHandle,
  VariableHandle,
  VariableKindName,
  VariablesFacet,
  VariableUpdate,
} from "../../platform/platform.ts";
import { variableAgent, type Consideration } from "./agents.ts";

/** How long news of a change may take (S0-045), and of an adaptation (S0-047). */
const changeTimeoutMs = 5000;
const adaptationTimeoutMs = 10_000;

const choices = ["fast", "balanced", "thorough", "cheap"] as const;
const candidates = Array.from({ length: 8 }, (_, i) => ({
  agent: `candidate-${i}`,
  capabilities: [i % 2 === 0 ? "plan" : "code"],
  performance: 0.3 + i / 20,
}));
const teamRoles = [
  { role: "planner", capability: "plan" },
  { role: "coder", capability: "code" },
];

type News = VariableSignalOut<unknown>;
interface Waiter {
  readonly type: News["type"];
  readonly settle: (news: News) => void;
}

/** Variables as agents of the runtime: signals come by mailbox, news go over the bus and to the agents affected. */
export class MettleVariables implements VariablesFacet {
  readonly kinds = ["float", "choice", "team"] as const;
  readonly #runtime: Runtime;
  readonly #bus: SignalBus;
  readonly #timers: Timers;
  readonly #random = new Random(7);
  readonly #waiters = new Map<string, Waiter[]>();

  constructor(runtime: Runtime, bus: SignalBus, timers: Timers) {
    this.#runtime = runtime;
    this.#bus = bus;
    this.#timers = timers;
    bus.subscribe("variable.**", ({ data }) => this.#deliver(data as News));
  }

  create(kind: VariableKindName, name: string, affected: readonly AgentHandle[]): VariableHandle {
    const refs = new Map(affected.map((agent, i) => [`affected-${i}`, agent as AnyRef]));
    const variable = new Variable<unknown>({
      name,
      kind: kindOf(kind),
      affected: [...refs.keys()],
      environment: {
        clock: systemClock,
        timers: this.#timers,
        random: this.#random,
        node: "local",
        emit: (signal, told) => this.#emit(signal, told, refs, agent),
      },
    });
    const agent = this.#runtime.spawn(variableAgent, {
      name: `variable:${name}`,
      state: { variable: variable as unknown as Variable<never> },
    });
    return {
      read: () => agent.ask({ type: "value" }),
      change: (position) =>
        this.#news<"variable.value.updated">(name, "variable.value.updated", changeTimeoutMs, () =>
          agent.send(signal({ type: "variable.value.change", value: valueAt(kind, position), requester: "suite" })),
        ).then(({ old, new: now }): VariableUpdate => ({ old, new: now })),
      feedback: (performance, cost) =>
        this.#news<"variable.adaptation.completed">(name, "variable.adaptation.completed", adaptationTimeoutMs, () =>
          agent.send(signal({ type: "variable.performance.feedback", performance, cost })),
        ).then(({ valueChanged, magnitude, coordinationTriggered }): AdaptationResult => {
          return { valueChanged, magnitude, coordinationTriggered };
        }),
      coordinate: async (position) => {
        const value = valueAt(kind, position);
        await this.#news(name, "variable.value.updated", changeTimeoutMs, () =>
          agent.send(signal({ type: "variable.coordination.request", value, requester: "suite" })),
        );
        return { committed: true };
      },
      close: async () => {
        variable.close();
        this.#waiters.delete(name);
        await agent.stop();
      },
    };
  }

  async broadcast(agents: readonly AgentHandle[], values: readonly number[]): Promise<{ reached: number }> {
    const refs = new Map(agents.map((agent, i) => [String(i), agent as AnyRef]));
    const handled: Promise<unknown>[] = [];
    const updates = new UpdateBroadcast({
      agents: () => refs.keys(),
      deliver: (agent, batch) => {
        handled.push(refs.get(agent)!.ask({ type: "echo", data: batch }));
        return true;
      },
    });
    for (const [i, value] of values.entries()) {
      const update = { type: "variable.value.updated", variable: `v${i}`, old: 0, new: value, generation: 1 } as const;
      updates.add(update);
    }
    updates.flush();
    return { reached: (await Promise.all(handled)).length };
  }

  #emit(signal: News, told: readonly string[], refs: ReadonlyMap<string, AnyRef>, variable: AnyRef): void {
    const asks = signal.type === "variable.consensus.requested";
    for (const voter of told) {
      const message = asks
        ? { type: "consider", data: { variable, voter } satisfies Consideration }
        : { type: "told", data: signal };
      refs.get(voter)!.send(message);
    }
    this.#bus.emit(signal.type, "suite", signal);
  }

  #news<Type extends News["type"]>(
    name: string,
    type: Type,
    timeoutMs: number,
    act: () => void,
  ): Promise<Extract<News, { readonly type: Type }>> {
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(ms(timeoutMs), () => {
        const waiting = this.#waiters.get(name);
        if (waiting)
          this.#waiters.set(
            name,
            waiting.filter((other) => other !== waiter),
          );
        reject(suitesErrors.create("PLATFORM_REQUEST_FAILED", `No ${type} of ${name} within ${timeoutMs} ms.`));
      });
      const waiter: Waiter = {
        type,
        settle: (news) => {
          timer.cancel();
          resolve(news as Extract<News, { readonly type: Type }>);
        },
      };
      const waiting = this.#waiters.get(name);
      if (waiting) waiting.push(waiter);
      else this.#waiters.set(name, [waiter]);
      act();
    });
  }

  #deliver(news: News): void {
    const waiting = this.#waiters.get(news.variable);
    const index = waiting?.findIndex(({ type }) => type === news.type) ?? -1;
    if (waiting && index >= 0) waiting.splice(index, 1)[0]!.settle(news);
  }
}

const signal = (data: object): { type: "signal"; data: never } => ({ type: "signal", data: data as never });

/** Each learns values of its own type only; the catalogue never mixes them. */
function kindOf(kind: VariableKindName): VariableKind<unknown> {
  const made: unknown =
    kind === "float"
      ? new FloatKind({ min: 0, max: 1, direction: "maximise" })
      : kind === "choice"
        ? new ChoiceKind({ choices })
        : new TeamKind({ pool: candidates, roles: teamRoles });
  return made as VariableKind<unknown>;
}

/** A value of the kind, chosen by a position in 0 … 1. */
function valueAt(kind: VariableKindName, position: number): unknown {
  if (kind === "float") return position;
  if (kind === "choice") return choices[Math.min(choices.length - 1, Math.floor(position * choices.length))];
  const pair = Math.min(candidates.length / 2 - 1, Math.floor((position * candidates.length) / 2));
  return teamRoles.map(({ role }, i) => ({ agent: `candidate-${pair * 2 + i}`, role }));
}
