import { type Static, Type } from "typebox";
import type { AgentTask, AgentType, TaskContext } from "./agent-type.ts";
import type { ChatModel } from "./model/chat-model.ts";
import { sourceNames, type Sources } from "./research/gather.ts";
import { analysisTypes, depths } from "./research/plan.ts";
import { research } from "./research/research.ts";

const topic = Type.String({ minLength: 1, maxLength: 2000, pattern: "\\S" });
const input = Type.Union([topic, Type.Object({ topic }, { additionalProperties: false })]);
const parameters = Type.Object(
  {
    depth: Type.Optional(Type.Union(depths.map((depth) => Type.Literal(depth)))),
    sources: Type.Optional(
      Type.Array(Type.Union(sourceNames.map((source) => Type.Literal(source))), { minItems: 1, uniqueItems: true }),
    ),
    analysis_type: Type.Optional(Type.Union(analysisTypes.map((type) => Type.Literal(type)))),
  },
  { additionalProperties: false },
);

/**
 * @param sources - where it may search; what is absent is told to be so in its reports
 * @param model - writes the sections; without one they are sentences of the sources
 */
export function multiStepProcessor(sources: Sources, model: ChatModel | undefined): AgentType {
  const task: AgentTask = {
    type: "research_and_analyze",
    summary: "Plans questions about a topic, searches for answers, and writes a report that cites them.",
    input,
    parameters,
    run: async (given: Static<typeof input>, options: Static<typeof parameters>, context: TaskContext) =>
      research(
        {
          topic: typeof given === "string" ? given : given.topic,
          depth: options.depth ?? "standard",
          sources: options.sources ?? ["reports", "databases"],
          analysis: options.analysis_type ?? "general",
        },
        { sources, model },
        context,
      ),
  };
  return { name: "multi_step_processor", summary: "Works in several steps.", tasks: [task] };
}
