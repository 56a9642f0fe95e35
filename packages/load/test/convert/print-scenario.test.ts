import fc from "fast-check";
import { expect, test } from "vitest";
import { printScenario } from "../../src/convert/print-scenario.ts";
import type { RequestStep, ScenarioModel, Template, ThinkStep } from "../../src/convert/scenario-model.ts";
import { runPrinted } from "./run-printed.ts";

const nasty = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    '"); process.exit(1); ("',
    "`${process.exit(1)}`",
    "*/ process.exit(1) /*",
    "\n});\nprocess.exit(1);\nexport default 0;\n",
    "\u2028process.exit(1)",
    "\\",
    '\\"',
    "__proto__",
    "constructor",
    "// @ts-nocheck",
    "</script>",
    "${variable}",
    'export default "x"',
    'import { defineLoad } from "@mettle/load";',
  ),
);
const template: fc.Arbitrary<Template> = fc.array(fc.oneof(nasty, fc.record({ variable: nasty })), {
  minLength: 1,
  maxLength: 4,
});
const step: fc.Arbitrary<RequestStep | ThinkStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record(
      {
        kind: fc.constant("request" as const),
        name: nasty,
        method: nasty,
        url: template,
        headers: fc.uniqueArray(fc.tuple(nasty, template), { selector: ([name]) => name, maxLength: 3 }),
        body: template,
        expectedStatus: fc.integer({ min: 100, max: 599 }),
        groups: fc.array(nasty, { maxLength: 3 }),
      },
      { requiredKeys: ["kind", "name", "method", "url", "headers", "groups"] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("think" as const), milliseconds: fc.nat(9999) }) },
);
const scenario: fc.Arbitrary<ScenarioModel> = fc.record({
  name: nasty,
  variables: fc.uniqueArray(fc.record({ name: nasty, value: nasty }), { selector: ({ name }) => name, maxLength: 4 }),
  steps: fc.array(step, { maxLength: 8 }),
  notes: fc.constant([]),
});

test("whatever stands in the input, the printed file does the requests and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (model) => {
      const variables = new Map(model.variables.map(({ name, value }) => [name, value]));
      const text = (parts: Template): string =>
        parts.map((part) => (typeof part === "string" ? part : (variables.get(part.variable) ?? ""))).join("");
      // Without variables the helper is not printed: such templates cannot come from a converter.
      fc.pre(model.variables.length > 0 || !JSON.stringify(model.steps).includes('"variable"'));
      const { names, done } = await runPrinted(printScenario(model));
      expect(names).toEqual([model.name]);
      const requests = model.steps.filter(({ kind }) => kind === "request") as RequestStep[];
      expect(done.filter(({ kind }) => kind === "request").map(({ groups, call }) => ({ groups, call }))).toEqual(
        requests.map(({ name, method, url, headers, body, expectedStatus, groups }) => ({
          groups,
          call: [
            method,
            text(url),
            body && text(body),
            {
              name,
              ...(headers.length > 0 && {
                headers: Object.fromEntries(headers.map(([key, value]) => [key, text(value)])),
              }),
              ...(expectedStatus !== undefined && { expect: [expectedStatus] }),
            },
          ],
        })),
      );
      expect(done.map(({ kind }) => kind)).toEqual(model.steps.map(({ kind }) => kind));
    }),
    { numRuns: 300 },
  );
});
