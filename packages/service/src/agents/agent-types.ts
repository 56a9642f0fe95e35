import type { AgentTask, AgentType } from "./agent-type.ts";
import { dataAnalyzer } from "./data-analyzer.ts";
import type { ChatModel } from "./model/chat-model.ts";
import { multiStepProcessor } from "./multi-step-processor.ts";
import type { Sources } from "./research/gather.ts";
import type { TaskSchemas } from "./task-schemas.ts";
import { textProcessor } from "./text-processor.ts";
import { workflowOrchestrator } from "./workflow-orchestrator.ts";

export interface AgentParts {
  readonly schemas: TaskSchemas;
  /** Where research may search. */
  readonly sources: Sources;
  /** Without one, agents use algorithms of their own. */
  readonly model: ChatModel | undefined;
  /** Beside the service's own. */
  readonly further?: readonly AgentType[];
}

/** All that agents do here. */
export function agentTypesOf({ schemas, sources, model, further = [] }: AgentParts): readonly AgentType[] {
  const types: AgentType[] = [textProcessor(model), dataAnalyzer, multiStepProcessor(sources, model), ...further];
  types.push(workflowOrchestrator({ schemas, taskOf: (agentType, type) => taskIn(types, agentType, type) }));
  return types;
}

export const taskIn = (types: readonly AgentType[], agentType: string, taskType: string): AgentTask | undefined =>
  types.find(({ name }) => name === agentType)?.tasks.find(({ type }) => type === taskType);
