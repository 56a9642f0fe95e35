import { type TUnsafe, Type } from "typebox";
import { RequestFailure } from "../http/failure.ts";
import { type Execution, type ExecutionError, type ExecutionState, executionStates } from "./execution.ts";

/** An execution as callers see it. */
export interface ShownExecution {
  readonly execution_id: string;
  readonly agent_id: string | null;
  readonly agent_type: string;
  readonly task_type: string;
  readonly status: ExecutionState;
  readonly attempts: number;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly result: unknown;
  readonly error: ExecutionError | null;
}

export const executionSchema: TUnsafe<ShownExecution> = Type.Unsafe<ShownExecution>(
  Type.Object(
    {
      execution_id: Type.String(),
      agent_id: Type.Union([Type.String(), Type.Null()]),
      agent_type: Type.String(),
      task_type: Type.String(),
      status: Type.Union(executionStates.map((state) => Type.Literal(state))),
      attempts: Type.Integer(),
      created_at: Type.String(),
      started_at: Type.Union([Type.String(), Type.Null()]),
      ended_at: Type.Union([Type.String(), Type.Null()]),
      result: Type.Unknown(),
      error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
    },
    { title: "Execution" },
  ),
);

/** @throws RequestFailure `EXECUTION_UNKNOWN` */
export function found(execution: Execution | undefined): Execution {
  if (execution) return execution;
  throw new RequestFailure("not_found", "EXECUTION_UNKNOWN", "There is no such execution.");
}

export const shown = (execution: Execution): ShownExecution => ({
  execution_id: execution.id,
  agent_id: execution.task.agent?.id ?? null,
  agent_type: execution.agentType,
  task_type: execution.task.type,
  status: execution.state,
  attempts: execution.attempts,
  created_at: execution.createdAt.toISOString(),
  started_at: execution.startedAt?.toISOString() ?? null,
  ended_at: execution.endedAt?.toISOString() ?? null,
  result: execution.result,
  error: execution.error,
});
