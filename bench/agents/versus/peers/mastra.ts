// One agent step on Mastra: a workflow of one step with validated input. Run by ../run.ts.
import { ASKS, asks, order, rounds } from "../round.ts";

interface Workflow {
  then(step: unknown): Workflow;
  commit(): Workflow;
  createRun(): Promise<Run>;
}
interface Run {
  start(options: { readonly inputData: unknown }): Promise<{ readonly status: string }>;
}
interface Mastra {
  readonly createWorkflow: (options: unknown) => Workflow;
  readonly createStep: (options: unknown) => unknown;
}
interface Zod {
  readonly z: { object(shape: unknown): unknown; number(): unknown };
}

const { createWorkflow, createStep } = (await import("@mastra/core/workflows")) as unknown as Mastra;
const { z } = (await import("zod")) as unknown as Zod;
const numbers = z.object({ total: z.number(), by: z.number() });
const sum = z.object({ total: z.number() });
const step = createStep({
  id: "step",
  inputSchema: numbers,
  outputSchema: sum,
  execute: async ({ inputData }: { readonly inputData: { readonly total: number; readonly by: number } }) => ({
    total: inputData.total + inputData.by,
  }),
});
const workflow = createWorkflow({ id: "one", inputSchema: numbers, outputSchema: sum }).then(step).commit();

await rounds(
  async () => ({
    step: await asks(ASKS / 500, async () => {
      const run = await workflow.createRun();
      const { status } = await run.start({ inputData: { total: 1, by: 1 } });
      if (status !== "success") throw new Error(status);
    }),
  }),
  order().count,
  2,
);
process.exit(0);
