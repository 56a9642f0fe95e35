import type { AgentTask, AgentType } from "./agent-type.ts";
import { dataAnalyzer } from "./data-analyzer.ts";
import { multiStepProcessor } from "./multi-step-processor.ts";
import type { Sources } from "./research/gather.ts";
import type { TaskSchemas } from "./task-schemas.ts";
import { textProcessor } from "./text-processor.ts";
import { workflowOrchestrator } from "./workflow-orchestrator.ts";

export interface AgentParts {
  readonly schemas: TaskSchemas;
  /** Where research may search. */
  readonly sources: Sources;
  /** Beside the service's own. */
  readonly further?: readonly AgentType[];
}

/** All that agents do here. */
export function agentTypesOf({ schemas, sources, further = [] }: AgentParts): readonly AgentType[] {
  const types: AgentType[] = [textProcessor, dataAnalyzer, multiStepProcessor(sources), ...further];
  types.push(workflowOrchestrator({ schemas, taskOf: (agentType, type) => taskIn(types, agentType, type) }));
  return types;
}

export const taskIn = (types: readonly AgentType[], agentType: string, taskType: string): AgentTask | undefined =>
  types.find(({ name }) => name === agentType)?.tasks.find(({ type }) => type === taskType);
