import type { AgentHandle, AgentPlatform, CoordinationFacet, CoordinationOutcome } from "../platform/platform.ts";

/**
 * Coordination as it is written on a platform that has none: a request to each member, and all promises awaited. A level of
 * a hierarchy is asked when the one above it has answered.
 */
export function coordinationByAsking(platform: Pick<AgentPlatform, "ask">): CoordinationFacet {
  const everyone = async (agents: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome> => {
    const replies = await Promise.allSettled(agents.map((agent) => platform.ask(agent, { type: "total" }, timeoutMs)));
    const participated = replies.filter(({ status }) => status === "fulfilled").length;
    return { participated, succeeded: participated === agents.length, messages: agents.length + participated };
  };
  return {
    consensus: everyone,
    broadcast: everyone,
    hierarchy: async (levels, timeoutMs) => {
      let participated = 0;
      let messages = 0;
      for (const level of levels) {
        const outcome = await everyone(level, timeoutMs);
        participated += outcome.participated;
        messages += outcome.messages;
      }
      const members = levels.reduce((sum, level) => sum + level.length, 0);
      return { participated, messages, succeeded: participated === members };
    },
  };
}
