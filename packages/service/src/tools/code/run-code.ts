import { ms } from "@mettle/core";
import { type Static, Type } from "typebox";
import { strict } from "../../http/schemas.ts";
import type { IsolatedWorkers } from "../../isolation/isolated-workers.ts";
import { type Tool, ToolFailure } from "../tool.ts";
import type { CodeInput, CodeOutput } from "./code-task.ts";

const timeUnlessGivenMs = 1000;
const memoryBytes = 64 * 2 ** 20;
/** The thread is ended when the interpreter does not end itself. */
const graceMs = 2000;

const input = strict({
  code: Type.String({ minLength: 1, maxLength: 100_000, description: "A script; its last value is the result." }),
  input: Type.Optional(Type.Unknown({ description: "JSON, as `input` in the code." })),
  time_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: "At most (1000)." })),
});

/** JavaScript in a sandbox: docs/security.md argues it. */
export const runCode = (workers: IsolatedWorkers<CodeInput, CodeOutput>): Tool => ({
  name: "run_code",
  summary:
    "Runs JavaScript in a sandbox without files, network or timers; `print` prints, the last value is the result.",
  kind: "heavy",
  input,
  run: async ({ code, input: given = null, time_ms: timeMs = timeUnlessGivenMs }: Static<typeof input>, { signal }) => {
    const asked = { code, input: JSON.stringify(given), timeMs, memoryBytes };
    const { result, printed, error } = await workers.run(asked, ms(timeMs + graceMs), signal);
    if (error !== undefined)
      throw new ToolFailure(`The code failed: ${error}${printed === "" ? "" : ` It printed: ${printed}`}`);
    return { result: result === undefined ? null : (JSON.parse(result) as unknown), printed };
  },
});
