import { Ajv, type ValidateFunction } from "ajv";
import type { AgentTask } from "../agents/agent-type.ts";
import { RequestFailure } from "../http/failure.ts";
import type { Task } from "./execution.ts";

/** A task's own schemas, each compiled once. */
export class TaskChecks {
  readonly #ajv = new Ajv({ strict: true, allErrors: false });
  readonly #compiled = new Map<AgentTask, readonly [ValidateFunction, ValidateFunction]>();

  /** @throws RequestFailure `AGENT_TYPE_UNKNOWN`, `TASK_INVALID` */
  check(task: AgentTask | undefined, agentType: string, asked: Task): void {
    if (!task) {
      const message = `There is no agent type ${agentType} with a task ${asked.type}. GET /agents/types lists them.`;
      throw new RequestFailure("unprocessable", "AGENT_TYPE_UNKNOWN", message);
    }
    const [input, parameters] = this.#compile(task);
    this.#checkPart(input, "input", asked.input);
    this.#checkPart(parameters, "parameters", asked.parameters);
  }

  #compile(task: AgentTask): readonly [ValidateFunction, ValidateFunction] {
    const known = this.#compiled.get(task);
    if (known) return known;
    const compiled = [this.#ajv.compile(task.input), this.#ajv.compile(task.parameters)] as const;
    this.#compiled.set(task, compiled);
    return compiled;
  }

  #checkPart(validate: ValidateFunction, part: string, value: unknown): void {
    if (validate(value)) return;
    const { instancePath, message } = validate.errors?.[0] ?? { instancePath: "", message: undefined };
    throw new RequestFailure(
      "invalid_request",
      "TASK_INVALID",
      `task/${part}${instancePath} ${message ?? "is wrong"}.`,
      {
        details: { path: `/task/${part}${instancePath}` },
      },
    );
  }
}
