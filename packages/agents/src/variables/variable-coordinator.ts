import type { Milliseconds, Random } from "@mettle/core";
import { ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";
import { variableErrors } from "./errors.ts";
import type { ChangeOutcome } from "./signals.ts";

/** Values by the names of their variables. */
export type Assignment = Readonly<Record<string, unknown>>;

/** Something that must hold for several variables together. */
export interface Constraint {
  readonly name: string;
  /** The variables it reads. */
  readonly variables: readonly string[];
  readonly holds: (values: Assignment) => boolean;
}

/** A variable whose value follows from others. */
export interface Dependency {
  readonly variable: string;
  readonly on: readonly string[];
  readonly derive: (values: Assignment) => unknown;
}

export interface Update {
  readonly variable: string;
  readonly value: unknown;
}

export interface AppliedUpdate {
  readonly variable: string;
  readonly change: ChangeOutcome<unknown>;
}

/** Two updates of one batch that ask for different values. The later one is applied. */
export interface UpdateConflict {
  readonly variable: string;
  readonly kept: unknown;
  readonly dropped: unknown;
}

export interface BatchOutcome {
  /** What was changed, dependent variables included, in the order of dependency. */
  readonly applied: readonly AppliedUpdate[];
  readonly conflicts: readonly UpdateConflict[];
}

/** Looks for a better assignment of all variables from time to time. */
export interface GlobalOptimization {
  /** What an assignment is worth; more is better. A model, or a recorded response: it is called many times. */
  readonly worth: (values: Assignment) => number;
  /** Values to try for a variable in place of its present one. */
  readonly neighbours: (variable: string, value: unknown, random: Random) => readonly unknown[];
  /** @defaultValue 30 s */
  readonly every?: Milliseconds;
  /** Calls of `worth` each time. @defaultValue 1 000 */
  readonly evaluations?: number;
}

export interface OptimizationOutcome {
  readonly before: number;
  readonly after: number;
  readonly evaluations: number;
  readonly changed: readonly string[];
}

export interface VariableCoordinatorOptions {
  readonly timers: Timers;
  readonly random: Random;
  /** Told when a periodic optimization has ended, or failed. */
  readonly optimized?: (outcome: OptimizationOutcome | { readonly error: unknown }) => void;
}

/** A variable of any type: the names and the checks are all that the coordinator needs of it. */
export interface AnyVariable {
  readonly name: string;
  readonly value: unknown;
  readonly blocked: "locked" | "partitioned" | undefined;
  validate(value: unknown): unknown;
  // `never`, so that a variable of any value fits; what is passed has come out of `validate`.
  change(value: never, requester: string, force?: boolean): ChangeOutcome<unknown>;
}

/** Keeps variables consistent with one another: dependencies, constraints, batches, and a search over all of them. */
export class VariableCoordinator {
  readonly #options: VariableCoordinatorOptions;
  readonly #variables = new Map<string, AnyVariable>();
  readonly #dependencies = new Map<string, Dependency>();
  readonly #constraints = new Map<string, Constraint>();
  /** Dependent variables, each after those it follows from. */
  #order: readonly Dependency[] = [];
  #timer: Timer | undefined;

  constructor(options: VariableCoordinatorOptions) {
    this.#options = options;
  }

  /** @throws MettleError `VARIABLE_EXISTS` */
  register(variable: AnyVariable): void {
    if (this.#variables.has(variable.name)) {
      throw variableErrors.create("VARIABLE_EXISTS", `There is a variable ${variable.name} already.`, {
        details: { variable: variable.name },
      });
    }
    this.#variables.set(variable.name, variable);
  }

  /** Its dependency goes with it; what depends on it, and constraints on it, must be removed before. */
  unregister(name: string): void {
    const reader = [
      ...[...this.#dependencies.values()].filter(({ on }) => on.includes(name)).map(({ variable }) => variable),
      ...[...this.#constraints.values()].filter(({ variables }) => variables.includes(name)).map(({ name }) => name),
    ];
    refuseProblems("Variable coordinator", reader.length > 0 ? [`${name} is still read by ${reader.join(", ")}`] : []);
    this.#variables.delete(name);
    if (this.#dependencies.delete(name)) this.#order = this.#sorted();
  }

  /**
   * The variable is derived anew whenever one that it depends on changes through this coordinator.
   *
   * @throws MettleError `VARIABLE_UNKNOWN`, `VARIABLE_DEPENDENCY_CYCLE`
   */
  depend(dependency: Dependency): void {
    for (const name of [dependency.variable, ...dependency.on]) this.#find(name);
    const before = this.#dependencies.get(dependency.variable);
    this.#dependencies.set(dependency.variable, dependency);
    try {
      this.#order = this.#sorted();
    } catch (error) {
      if (before === undefined) this.#dependencies.delete(dependency.variable);
      else this.#dependencies.set(dependency.variable, before);
      throw error;
    }
  }

  /** @throws MettleError `VARIABLE_UNKNOWN`, `VARIABLE_CONSTRAINT_VIOLATED` when it does not hold now */
  constrain(constraint: Constraint): void {
    for (const name of constraint.variables) this.#find(name);
    this.#check(constraint, this.values());
    this.#constraints.set(constraint.name, constraint);
  }

  /** @returns whether there was one */
  unconstrain(name: string): boolean {
    return this.#constraints.delete(name);
  }

  values(): Record<string, unknown> {
    return Object.fromEntries([...this.#variables].map(([name, { value }]) => [name, value]));
  }

  /**
   * Changes several variables at once: all values are checked, and all constraints with all values in place, before the
   * first is changed.
   *
   * @throws MettleError `VARIABLE_UNKNOWN`, `VARIABLE_VALUE_INVALID`, `VARIABLE_LOCKED`, `VARIABLE_PARTITIONED`, `VARIABLE_CONSTRAINT_VIOLATED`
   */
  update(updates: readonly Update[], requester: string): BatchOutcome {
    const conflicts: UpdateConflict[] = [];
    const wanted = new Map<string, unknown>();
    for (const { variable, value } of updates) {
      const accepted = this.#find(variable).validate(value);
      if (wanted.has(variable) && wanted.get(variable) !== accepted) {
        conflicts.push({ variable, kept: accepted, dropped: wanted.get(variable) });
      }
      wanted.set(variable, accepted);
    }
    const planned = this.#planned(wanted);
    for (const name of planned.keys()) this.#refuseBlocked(name);
    const applied = Array.from(planned, ([variable, value]): AppliedUpdate => {
      return { variable, change: this.#find(variable).change(value as never, requester) };
    });
    return { applied, conflicts };
  }

  /** Starts the periodic search; replaces one that runs. */
  optimizeEvery(optimization: GlobalOptimization): void {
    this.stopOptimizing();
    const again = (): void => {
      this.#timer = this.#options.timers.after(optimization.every ?? ms(30_000), () => {
        again();
        try {
          const outcome = this.optimize(optimization);
          this.#options.optimized?.(outcome);
        } catch (error) {
          if (this.#options.optimized === undefined) throw error;
          this.#options.optimized({ error });
        }
      });
    };
    again();
  }

  stopOptimizing(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * Looks for a better assignment by changing one variable at a time, then commits what it found in one batch. Skips values
   * that a constraint forbids, and variables that are locked or derived.
   */
  optimize({ worth, neighbours, evaluations = 1000 }: GlobalOptimization): OptimizationOutcome {
    refuseProblems("Global optimization", wholeAtLeast("evaluations", evaluations, 1));
    const start = this.values();
    const before = worth(start);
    let values = start;
    let best = before;
    let used = 1;
    const free = [...this.#variables.values()].filter(
      ({ name, blocked }) => blocked === undefined && !this.#dependencies.has(name),
    );
    const changed = new Map<string, unknown>();
    for (let improved = true; improved && used < evaluations; ) {
      improved = false;
      for (const { name } of this.#options.random.shuffle([...free])) {
        for (const value of neighbours(name, values[name], this.#options.random)) {
          if (used >= evaluations) break;
          const candidate = this.#allowed(new Map([...changed, [name, value]]));
          if (candidate === undefined) continue;
          used += 1;
          const mine = worth(candidate);
          if (mine <= best) continue;
          best = mine;
          values = candidate;
          changed.set(name, values[name]);
          improved = true;
        }
      }
    }
    const updates = Array.from(changed, ([variable, value]) => ({ variable, value }));
    if (updates.length > 0) this.update(updates, "global optimization");
    return { before, after: best, evaluations: used, changed: [...changed.keys()] };
  }

  #allowed(wanted: ReadonlyMap<string, unknown>): Record<string, unknown> | undefined {
    try {
      const accepted = new Map(Array.from(wanted, ([name, value]) => [name, this.#find(name).validate(value)]));
      return { ...this.values(), ...Object.fromEntries(this.#planned(accepted)) };
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === "VARIABLE_VALUE_INVALID" || code === "VARIABLE_CONSTRAINT_VIOLATED") return undefined;
      throw error;
    }
  }

  /** The wanted values and those that follow from them. Throws when a constraint would not hold. */
  #planned(wanted: ReadonlyMap<string, unknown>): Map<string, unknown> {
    const planned = new Map(wanted);
    if (this.#order.length === 0 && this.#constraints.size === 0) return planned;
    const values: Record<string, unknown> = { ...this.values(), ...Object.fromEntries(wanted) };
    for (const { variable, on, derive } of this.#order) {
      if (!on.some((name) => planned.has(name))) continue;
      const derived = this.#find(variable).validate(derive(values));
      values[variable] = derived;
      planned.set(variable, derived);
    }
    for (const constraint of this.#constraints.values()) {
      if (constraint.variables.some((name) => planned.has(name))) this.#check(constraint, values);
    }
    return planned;
  }

  #check({ name, variables, holds }: Constraint, values: Assignment): void {
    if (holds(values)) return;
    const involved = Object.fromEntries(variables.map((variable) => [variable, values[variable]]));
    throw variableErrors.create(
      "VARIABLE_CONSTRAINT_VIOLATED",
      `${name} would not hold for ${JSON.stringify(involved)}.`,
      {
        details: { constraint: name, values: involved },
      },
    );
  }

  #refuseBlocked(name: string): void {
    const { blocked } = this.#find(name);
    if (blocked === undefined) return;
    const code = blocked === "locked" ? "VARIABLE_LOCKED" : "VARIABLE_PARTITIONED";
    throw variableErrors.create(code, `${name} is ${blocked}, so nothing of the batch was changed.`, {
      details: { variable: name },
    });
  }

  #find(name: string): AnyVariable {
    const variable = this.#variables.get(name);
    if (variable === undefined) {
      throw variableErrors.create("VARIABLE_UNKNOWN", `There is no variable ${name}.`, { details: { variable: name } });
    }
    return variable;
  }

  /** Depth first; a variable met again on its own path is a cycle. */
  #sorted(): Dependency[] {
    const sorted: Dependency[] = [];
    const done = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) {
        const cycle = [...path.slice(path.indexOf(name)), name].join(" → ");
        throw variableErrors.create("VARIABLE_DEPENDENCY_CYCLE", `Variables depend on one another: ${cycle}.`, {
          details: { cycle },
        });
      }
      const dependency = this.#dependencies.get(name);
      if (done.has(name) || dependency === undefined) return;
      for (const on of dependency.on) visit(on, [...path, name]);
      done.add(name);
      sorted.push(dependency);
    };
    for (const name of this.#dependencies.keys()) visit(name, []);
    return sorted;
  }
}
