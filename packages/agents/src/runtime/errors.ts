import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type AgentErrorCode =
  | "AGENT_DEFINITION_INVALID"
  | "AGENT_OPTIONS_INVALID"
  | "AGENT_ACTION_UNKNOWN"
  | "AGENT_INPUT_INVALID"
  | "AGENT_STATE_INVALID"
  | "AGENT_ACTION_FAILED"
  | "AGENT_ACTION_TIMEOUT"
  | "AGENT_ASK_TIMEOUT"
  | "AGENT_ASK_ABORTED"
  | "AGENT_RESTARTED"
  | "AGENT_STOPPED"
  | "AGENT_NOT_FOUND"
  | "AGENT_NAME_TAKEN"
  | "AGENT_MAILBOX_FULL"
  | "AGENT_CEILING_REACHED"
  | "AGENT_MEMORY_EXCEEDED"
  | "AGENT_CRASH_LOOP"
  | "AGENT_LINK_BROKEN"
  | "AGENT_NOT_CLONEABLE"
  | "AGENT_NOT_PORTABLE"
  | "SHARD_LOST"
  | "SHARD_STUCK"
  | "SHARD_START_FAILED"
  | "RUNTIME_CLOSED";

const { internal, usage } = exitCodes;

export const agentErrors: ErrorCatalogue<AgentErrorCode> = defineErrors({
  AGENT_DEFINITION_INVALID: { next: "Correct the definition that the message names.", exitCode: usage },
  AGENT_OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: usage },
  AGENT_ACTION_UNKNOWN: { next: "Send one of the actions that the agent's definition has.", exitCode: usage },
  AGENT_INPUT_INVALID: { next: "Send data that the action's schema accepts.", exitCode: usage },
  AGENT_STATE_INVALID: { next: "Give a state that the agent's schema accepts.", exitCode: usage },
  AGENT_ACTION_FAILED: { next: "See the cause; the message is kept among the dead letters.", exitCode: internal },
  AGENT_ACTION_TIMEOUT: {
    next: "Make the action settle, end it when its signal aborts, or give it a longer timeoutMs.",
    exitCode: internal,
    retryable: true,
  },
  AGENT_ASK_TIMEOUT: {
    next: "Ask again if details.began is false; otherwise the action may still take effect.",
    exitCode: internal,
    retryable: true,
  },
  AGENT_ASK_ABORTED: { next: "Nothing: the caller's own signal ended the request.", exitCode: internal },
  AGENT_RESTARTED: {
    next: "Ask again: the agent was restarted while it worked on the request.",
    exitCode: internal,
    retryable: true,
  },
  AGENT_STOPPED: { next: "Spawn the agent again, or ask another one.", exitCode: internal },
  AGENT_NOT_FOUND: { next: "Check the name or address; the agent may have stopped.", exitCode: usage },
  AGENT_NAME_TAKEN: { next: "Choose another name, or stop the agent that has it.", exitCode: usage },
  AGENT_MAILBOX_FULL: {
    next: "Send slower or wait for replies; the receiver is behind by its whole mailbox.",
    exitCode: internal,
    retryable: true,
  },
  AGENT_CEILING_REACHED: {
    next: "Stop agents first, or raise the ceiling if the machine has room.",
    exitCode: internal,
    retryable: true,
  },
  AGENT_MEMORY_EXCEEDED: { next: "Keep less in the state, or raise the agent's memoryLimit.", exitCode: internal },
  AGENT_CRASH_LOOP: { next: "See the cause: it fails again after every restart.", exitCode: internal },
  AGENT_LINK_BROKEN: { next: "See the cause: an agent that this one is linked to has failed.", exitCode: internal },
  AGENT_NOT_CLONEABLE: {
    next: "Send plain data to agents of other threads: no functions, class instances with secrets, or references.",
    exitCode: usage,
  },
  AGENT_NOT_PORTABLE: {
    next: "Export the definition from a module and give it module: import.meta.url.",
    exitCode: usage,
  },
  SHARD_LOST: {
    next: "Ask again: the thread died, its agents are started again in a new one.",
    exitCode: internal,
    retryable: true,
  },
  SHARD_STUCK: {
    next: "See details.agent for what ran when the thread stopped responding.",
    exitCode: internal,
    retryable: true,
  },
  SHARD_START_FAILED: { next: "See the cause: the thread could not start.", exitCode: internal },
  RUNTIME_CLOSED: { next: "Use the runtime before it is closed.", exitCode: usage },
});
