import { messageOf } from "@mettle/core";
import type { CellBase } from "./cell-base.ts";
import { agentErrors } from "./errors.ts";

/** What the senders of an agent's messages are told, where the agent itself is at no fault or goes on. */

export function unknownError(cell: CellBase, type: string): Error {
  const known = [...cell.definition.actions.keys()];
  return agentErrors.create("AGENT_ACTION_UNKNOWN", `${cell.label} has no action "${type}".`, {
    details: { address: cell.address, action: type, known },
  });
}

export function inputError(cell: CellBase, action: string, problems: readonly string[]): Error {
  return agentErrors.create(
    "AGENT_INPUT_INVALID",
    `${cell.label} does not accept the input of "${action}": ${problems.join("; ")}.`,
    { details: { problems } },
  );
}

export function failedError(cell: CellBase, action: string, cause: unknown): Error {
  return agentErrors.create("AGENT_ACTION_FAILED", `"${action}" of ${cell.label} failed: ${messageOf(cause)}`, {
    details: { address: cell.address, action },
    cause,
  });
}

export function timeoutError(cell: CellBase, action: string, timeoutMs: number): Error {
  return agentErrors.create(
    "AGENT_ACTION_TIMEOUT",
    `"${action}" of ${cell.label} did not settle within ${timeoutMs} ms.`,
    { details: { address: cell.address, action, timeoutMs } },
  );
}

export function fullError(cell: CellBase): Error {
  return agentErrors.create(
    "AGENT_MAILBOX_FULL",
    `The mailbox of ${cell.label} is full: ${cell.waiting} messages wait.`,
    { details: { address: cell.address, waiting: cell.waiting } },
  );
}
