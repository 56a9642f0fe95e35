import { Type } from "typebox";
import type { AgentTask, AgentType, TaskContext } from "./agent-type.ts";
import { referencesIn } from "./workflow/references.ts";
import { runWorkflow, type WorkflowParts } from "./workflow/run-workflow.ts";
import { checkGraph, invalid, type Step, type Workflow, workflowSchema } from "./workflow/workflow.ts";

const workflowOrchestratorName = "workflow_orchestrator";
const parallelUnlessGiven = 8;
const parameters = Type.Object(
  { parallel: Type.Optional(Type.Integer({ minimum: 1, maximum: 32, description: "Steps at once (8)." })) },
  { additionalProperties: false },
);

/** Runs the other agents' tasks as steps of a graph. */
export function workflowOrchestrator(parts: Omit<WorkflowParts, "parallel">): AgentType {
  const task: AgentTask = {
    type: "run",
    summary: "Runs steps, each a task of an agent, in parallel where they do not wait for one another.",
    input: workflowSchema,
    parameters,
    check: (workflow: Workflow) => {
      checkGraph(workflow);
      for (const step of workflow.steps) checkStep(step, parts);
    },
    run: async (
      workflow: Workflow,
      { parallel = parallelUnlessGiven }: { parallel?: number },
      context: TaskContext,
    ) => ({
      steps: await runWorkflow(workflow, { ...parts, parallel }, context),
    }),
  };
  return { name: workflowOrchestratorName, summary: "Works with other agents.", tasks: [task] };
}

/** What is wrong with a step is told before anything runs, as far as it can be known then. */
function checkStep(
  { id, agent_type: agentType, task: asked }: Step,
  { taskOf, schemas }: Omit<WorkflowParts, "parallel">,
): void {
  if (agentType === workflowOrchestratorName) throw invalid(`Step ${id} is a workflow itself.`);
  const task = taskOf(agentType, asked.type);
  if (!task) throw invalid(`Step ${id} asks for a task ${asked.type} of ${agentType}, which there is not.`);
  if (referencesIn(asked).length > 0) return; // known when the steps before it have ended
  const problem = schemas.problemOf(task, asked.input, asked.parameters ?? {});
  if (problem) throw invalid(`Step ${id}: task${problem.path} ${problem.message}.`);
  task.check?.(asked.input as never, (asked.parameters ?? {}) as never);
}
