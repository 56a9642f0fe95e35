// An agent: state, and the actions that it can run. What a message may say and what comes back is checked by the compiler.
//
//   node -C mettle-source examples/agents/first-agent.ts
//
// Prints:
//   total: 5
//   total after two more: 12
//   refused: AGENT_INPUT_INVALID (expected a whole number above 0)
import { createRuntime, defineAction, defineAgent, type StandardSchema } from "@mettle/agents";
import { MettleError } from "@mettle/core";

// Any validator by the Standard Schema convention will do: zod's z.number().int().positive(), valibot's, arktype's, or this.
const count: StandardSchema<number, number> = {
  "~standard": {
    version: 1,
    vendor: "example",
    validate: (value) =>
      Number.isInteger(value) && (value as number) > 0
        ? { value: value as number }
        : { issues: [{ message: "expected a whole number above 0" }] },
  },
};

interface Total {
  readonly total: number;
}

const counter = defineAgent({
  name: "counter",
  state: (): Total => ({ total: 0 }),
  actions: {
    // (state, input) → new state and reply. It changes nothing itself.
    add: defineAction({
      input: count,
      run: (state: Total, by) => ({ state: { total: state.total + by }, reply: state.total + by }),
    }),
    total: defineAction({ mode: "read", run: (state: Total) => ({ reply: state.total }) }),
  },
});

await using runtime = createRuntime();
const agent = runtime.spawn(counter);

console.log(`total: ${await agent.ask({ type: "add", data: 5 })}`);
agent.send({ type: "add", data: 3 });
agent.send({ type: "add", data: 4 });
console.log(`total after two more: ${await agent.ask({ type: "total" }, { timeout: 1000 })}`);

try {
  await agent.ask({ type: "add", data: -1 });
} catch (error) {
  if (!(error instanceof MettleError)) throw error;
  console.log(`refused: ${error.code} (${(error.details["problems"] as string[]).join("; ")})`);
}
