import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type AgentErrorCode =
  | "DISTRIBUTION_INVALID"
  | "BEHAVIOUR_INVALID"
  | "SESSION_PROFILE_INVALID"
  | "PRICE_INVALID"
  | "SLO_INVALID"
  | "TASK_INVALID"
  | "REPLAY_INVALID"
  | "AGENT_TARGET_MISSING";

export const workloadErrors: ErrorCatalogue<AgentErrorCode> = defineErrors({
  DISTRIBUTION_INVALID: {
    next: "Write 20ms, normal(38, 6, 25..57), lognormal(300ms, 150ms), exponential(20ms), uniform(1, 5) or empirical(1, 2, 5).",
    exitCode: exitCodes.usage,
  },
  BEHAVIOUR_INVALID: {
    next: "Give every behaviour a name of its own and a weight ≥ 0, at least one of them above 0.",
    exitCode: exitCodes.usage,
  },
  SESSION_PROFILE_INVALID: { next: "Correct the fields that the message names.", exitCode: exitCodes.usage },
  PRICE_INVALID: { next: "Give prices as numbers ≥ 0, per million tokens or per call.", exitCode: exitCodes.usage },
  SLO_INVALID: { next: "Give each objective as a number above 0 in milliseconds.", exitCode: exitCodes.usage },
  TASK_INVALID: {
    next: "Give times as finite milliseconds of one clock, each span's end at or after its start.",
    exitCode: exitCodes.usage,
  },
  REPLAY_INVALID: {
    next: "Name only calls of the same session as predecessors, each before those that wait for it.",
    exitCode: exitCodes.usage,
  },
  AGENT_TARGET_MISSING: {
    next: 'Say where it is: defineLoad({ agents: { chat: { url: "http://…/v1", model: "…" } }, … }).',
    exitCode: exitCodes.usage,
  },
});
