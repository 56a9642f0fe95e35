import { Type } from "typebox";
import type { AgentType } from "../../src/agents/agent-type.ts";

/** An agent whose task goes on only when the test says so. */
export class StepAgent {
  readonly #steps = new Map<string, PromiseWithResolvers<void>>();
  readonly type: AgentType = {
    name: "stepper",
    summary: "Goes on when it is told to.",
    tasks: [
      {
        type: "walk",
        summary: "Tells words, one a step.",
        input: Type.Object({ steps: Type.Array(Type.String()) }),
        parameters: Type.Object({}),
        run: async ({ steps }: { steps: readonly string[] }, _parameters, { progress, token }) => {
          for (const [i, step] of steps.entries()) {
            await this.#step(step).promise;
            progress((i + 1) / steps.length, step);
            token(step);
          }
          return { walked: steps.length };
        },
      },
    ],
  };

  #step(name: string): PromiseWithResolvers<void> {
    const known = this.#steps.get(name) ?? Promise.withResolvers<void>();
    this.#steps.set(name, known);
    return known;
  }

  let(step: string): void {
    this.#step(step).resolve();
  }
}
