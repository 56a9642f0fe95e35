import { type Clock, MettleError, messageOf, Random, systemClock } from "@mettle/core";
import { defineAction } from "../agent/action.ts";
import { defineAgent } from "../agent/definition.ts";
import type { AgentRef } from "../agent/ref.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import type { Timers } from "../timers/timers.ts";
import type { Budgets } from "../economy/budgets.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Feedback } from "./kind.ts";
import type {
  Adaptation,
  SettledChange,
  Suggestion,
  SuggestionAnswer,
  VariableSignalOut,
  Versioned,
} from "./signals.ts";
import { Variable } from "./variable.ts";
import type { VariableOptions } from "./variable-options.ts";

export interface ChangeRequest<Value> {
  readonly value: Value;
  readonly requester: string;
  readonly force?: boolean;
}

/** What a variable's agent can be asked. */
export interface VariableProtocol<Value> {
  /** Replies when the change is committed or rejected, which may take a vote; other messages are handled meanwhile. */
  readonly change: { readonly input: ChangeRequest<Value>; readonly reply: SettledChange<Value> };
  readonly feedback: { readonly input: Feedback<Value>; readonly reply: Adaptation };
  readonly suggest: { readonly input: Suggestion<Value>; readonly reply: SuggestionAnswer<Value> };
  readonly vote: {
    readonly input: { readonly voter: string; readonly approve: boolean; readonly confidence?: number };
    readonly reply: undefined;
  };
  readonly bid: {
    readonly input: { readonly bidder: string; readonly value: Value; readonly amount: number };
    readonly reply: undefined;
  };
  /** Whether the other's value was newer and was taken. */
  readonly sync: { readonly input: Versioned<Value>; readonly reply: boolean };
  readonly read: { readonly input: void; readonly reply: Versioned<Value> };
}

export interface VariableAgentOptions<Value> extends Omit<VariableOptions<Value>, "environment"> {
  /** @defaultValue the system's */
  readonly clock?: Clock;
  /** @defaultValue sleeps of the clock */
  readonly timers?: Timers;
  /** @defaultValue seeded by the time */
  readonly random?: Random;
  /** @defaultValue local */
  readonly node?: string;
  readonly economy?: Budgets;
  readonly agent?: Omit<SpawnOptions<undefined>, "name" | "state" | "placement">;
}

/**
 * A variable as an agent of its name. Its signals go to the bus, and to the affected agents by their names as messages
 * `{ type: "variable.value.updated", data: signal }`. It outlives restarts of the agent: what it has learned is its own.
 *
 * @throws MettleError `OPTIONS_INVALID`, `AGENT_NAME_TAKEN`, `AGENT_CEILING_REACHED`, `RUNTIME_CLOSED`
 */
export function spawnVariable<Value>(
  runtime: Pick<Runtime, "spawn" | "find" | "bus" | "timers">,
  options: VariableAgentOptions<Value>,
): { readonly agent: AgentRef<VariableProtocol<Value>>; readonly variable: Variable<Value> } {
  const { clock = systemClock, timers = runtime.timers, random, node = "local", economy, agent, ...own } = options;
  const variable = new Variable<Value>({
    ...own,
    environment: {
      clock,
      timers,
      random: random ?? new Random(clock.wallTime()),
      node,
      ...(economy && { economy }),
      emit: (signal, affected) => {
        runtime.bus.emit(signal.type, own.name, signal);
        for (const name of affected) tell(runtime, own.name, name, signal);
      },
    },
  });
  type Input<Name extends keyof VariableProtocol<Value>> = VariableProtocol<Value>[Name]["input"];
  const definition = defineAgent({
    name: own.name,
    state: () => undefined,
    // A refused change or vote is the asker's fault, and leaves the variable as it was.
    onFailure: "resume",
    actions: {
      change: defineAction({
        mode: "concurrent",
        timeoutMs: 2 * (own.decisionTimeout ?? 5000) + 1000,
        run: async (_: undefined, { value, requester, force }: Input<"change">) => {
          const change = variable.change(value, requester, force);
          return { reply: change.state === "pending" ? await change.settled : change };
        },
      }),
      feedback: defineAction({
        run: (_: undefined, input: Input<"feedback">) => ({ reply: variable.feedback(input) }),
      }),
      suggest: defineAction({
        run: (_: undefined, input: Input<"suggest">) => ({ reply: variable.suggest(input) }),
      }),
      vote: defineAction({
        run: (_: undefined, { voter, approve, confidence }: Input<"vote">) => ({
          reply: variable.vote(voter, approve, confidence),
        }),
      }),
      bid: defineAction({
        run: (_: undefined, { bidder, value, amount }: Input<"bid">) => ({
          reply: variable.bid(bidder, value, amount),
        }),
      }),
      sync: defineAction({ run: (_: undefined, input: Input<"sync">) => ({ reply: variable.sync(input) }) }),
      read: defineAction({ mode: "read", run: () => ({ reply: variable.version }) }),
    },
  });
  const spawned = runtime.spawn(definition, { ...agent, name: own.name }) as unknown;
  return { agent: spawned as AgentRef<VariableProtocol<Value>>, variable };
}

/**
 * One who is gone does not answer, and silence is abstention. One who cannot take it must not undo a change that is made:
 * that is told on the bus as `variable.delivery.refused`.
 */
function tell(
  runtime: Pick<Runtime, "find" | "bus">,
  variable: string,
  agent: string,
  signal: VariableSignalOut<unknown>,
): void {
  try {
    runtime.find(agent)?.send({ type: signal.type, data: signal });
  } catch (error) {
    const code = error instanceof MettleError ? error.code : undefined;
    runtime.bus.emit("variable.delivery.refused", variable, { variable, agent, code, because: messageOf(error) });
  }
}
