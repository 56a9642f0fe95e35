import { Ajv, type ValidateFunction } from "ajv";
import type { AgentTask } from "./agent-type.ts";

/** Where what a task was given is not as its schemas say. */
export interface TaskProblem {
  /** JSON pointer: `/input/text`. */
  readonly path: string;
  readonly message: string;
}

/** Holds what tasks are given to their schemas, each compiled once. */
export class TaskSchemas {
  readonly #ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: false });
  readonly #compiled = new WeakMap<AgentTask, readonly [ValidateFunction, ValidateFunction]>();

  problemOf(task: AgentTask, input: unknown, parameters: unknown): TaskProblem | undefined {
    const [forInput, forParameters] = this.#compile(task);
    return problemIn(forInput, "input", input) ?? problemIn(forParameters, "parameters", parameters);
  }

  #compile(task: AgentTask): readonly [ValidateFunction, ValidateFunction] {
    const known = this.#compiled.get(task);
    if (known) return known;
    const compiled = [this.#ajv.compile(task.input), this.#ajv.compile(task.parameters)] as const;
    this.#compiled.set(task, compiled);
    return compiled;
  }
}

function problemIn(validate: ValidateFunction, part: string, value: unknown): TaskProblem | undefined {
  if (validate(value)) return undefined;
  // Of several forms that would do, the complaint that lies deepest is of the form that was meant.
  const errors = validate.errors ?? [];
  const [first, ...others] = errors;
  const meant = others.reduce(
    (best, one) => (best && one.instancePath.length > best.instancePath.length ? one : best),
    first,
  );
  return { path: `/${part}${meant?.instancePath ?? ""}`, message: meant?.message ?? "is wrong" };
}
