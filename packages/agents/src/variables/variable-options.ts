import { type Clock, type Milliseconds, ms, type Random } from "@mettle/core";
import { refuseProblems, within, wholeAtLeast } from "../coordination/check-options.ts";
import type { Timers } from "../timers/timers.ts";
import type { Budgets } from "../economy/budgets.ts";
import type { VariableKind } from "./kind.ts";
import type { VariableSignalOut } from "./signals.ts";

/** What a variable needs around it. */
export interface VariableEnvironment<Value> {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Name of this node, which decides between two values of the same generation and time. */
  readonly node: string;
  /** Hands a signal to the bus and to the affected agents: one object for all of them. Called inside the change. */
  readonly emit: (signal: VariableSignalOut<Value>, affected: readonly string[]) => void;
  /** With an economy, global variables are auctioned; bidders pay from these accounts. */
  readonly economy?: Budgets;
}

/** Who decides. `local`: the node. `cluster`: the affected agents. `global`: an auction among them. */
export type VariableScope = "local" | "cluster" | "global";

/**
 * `consensus`: a majority of the affected agents; the node decides alone if they cannot be asked. `strong`: all of them,
 * or no change. `eventual`: the node decides at once and the others follow.
 */
export type SyncMode = "consensus" | "eventual" | "strong";

export interface VariableOptions<Value> {
  readonly name: string;
  readonly kind: VariableKind<Value>;
  readonly environment: VariableEnvironment<Value>;
  /** @defaultValue local */
  readonly scope?: VariableScope;
  /** For cluster and global scope. @defaultValue consensus */
  readonly sync?: SyncMode;
  /** Agents who are told of changes, and asked about them. */
  readonly affected?: readonly string[];
  /** Changes remembered. @defaultValue 100 */
  readonly historyLength?: number;
  /** Until a vote or an auction ends. @defaultValue 5 s */
  readonly decisionTimeout?: Milliseconds;
  /** An adaptation by more than this is coordinated. @defaultValue 0.001 */
  readonly coordinateOver?: number;
  /** Trust (confidence × what the requester's suggestions were worth) from which a suggestion is taken. @defaultValue 0.7 */
  readonly acceptFrom?: number;
  /** … and from which a value between is offered. @defaultValue 0.3 */
  readonly negotiateFrom?: number;
}

export type ResolvedVariableOptions<Value> = Required<VariableOptions<Value>>;

/** @throws MettleError `OPTIONS_INVALID` */
export function resolveVariableOptions<Value>(options: VariableOptions<Value>): ResolvedVariableOptions<Value> {
  const resolved: ResolvedVariableOptions<Value> = {
    scope: "local",
    sync: "consensus",
    affected: [],
    historyLength: 100,
    decisionTimeout: ms(5000),
    coordinateOver: 0.001,
    acceptFrom: 0.7,
    negotiateFrom: 0.3,
    ...options,
  };
  refuseProblems(`Variable ${options.name}`, [
    ...(options.name === "" ? ["name must not be empty"] : []),
    ...(new Set(resolved.affected).size === resolved.affected.length ? [] : ["an affected agent is named twice"]),
    ...wholeAtLeast("historyLength", resolved.historyLength, 1),
    ...(resolved.decisionTimeout > 0 ? [] : [`decisionTimeout must be over 0 ms, got ${resolved.decisionTimeout}`]),
    ...within("coordinateOver", resolved.coordinateOver, 0, Number.MAX_VALUE),
    ...within("acceptFrom", resolved.acceptFrom, 0, 1),
    ...within("negotiateFrom", resolved.negotiateFrom, 0, resolved.acceptFrom),
  ]);
  return resolved;
}
