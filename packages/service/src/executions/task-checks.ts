import { type AgentTask, TaskFailure } from "../agents/agent-type.ts";
import type { TaskSchemas } from "../agents/task-schemas.ts";
import { RequestFailure } from "../http/failure.ts";
import { unstorable } from "../storage/storable.ts";
import type { Task } from "./execution.ts";

/**
 * Refuses, before it is queued, what could not be run.
 *
 * @throws RequestFailure `AGENT_TYPE_UNKNOWN`, `TASK_INVALID`, and the codes of the task's own checks
 */
export function checkTask(schemas: TaskSchemas, task: AgentTask | undefined, agentType: string, asked: Task): void {
  if (!task) {
    const message = `There is no agent type ${agentType} with a task ${asked.type}. GET /agents/types lists them.`;
    throw new RequestFailure("unprocessable", "AGENT_TYPE_UNKNOWN", message);
  }
  const bad = unstorable([asked.input, asked.parameters]);
  if (bad !== undefined) throw new RequestFailure("invalid_request", "TASK_INVALID", `The task ${bad}.`);
  const problem = schemas.problemOf(task, asked.input, asked.parameters);
  if (problem) {
    throw new RequestFailure("invalid_request", "TASK_INVALID", `task${problem.path} ${problem.message}.`, {
      details: { path: `/task${problem.path}` },
    });
  }
  try {
    task.check?.(asked.input as never, asked.parameters as never);
  } catch (error) {
    if (error instanceof TaskFailure) throw new RequestFailure("unprocessable", error.code, error.message);
    throw error;
  }
}
