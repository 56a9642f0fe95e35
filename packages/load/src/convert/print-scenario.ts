import type { RequestStep, ScenarioModel, Template, ThinkStep } from "./scenario-model.ts";

/**
 * The scenario as a TypeScript file of the scenario API. Everything that came from outside stands in string literals, also
 * as the key of an object, where it is computed (`["__proto__"]`); none of it stands in a comment or a name.
 */
export function printScenario(scenario: ScenarioModel): string {
  const variables = scenario.variables.map(({ name, value, environment }) => {
    const held =
      environment === undefined ? literal(value) : `process.env[${literal(environment)}] ?? ${literal(value)}`;
    return `  [${literal(name)}, ${held}],`;
  });
  const lines = [
    'import { defineLoad } from "@mettle/load";',
    "",
    ...(variables.length > 0
      ? [
          "const variables = new Map<string, string>([",
          ...variables,
          "]);",
          'const variable = (name: string): string => variables.get(name) ?? "";',
          "",
        ]
      : []),
    "export default defineLoad({",
    "  scenarios: {",
    `    [${literal(scenario.name)}]: {`,
    "      vus: 1,",
    "      iterations: 1,",
    "      run: async (user) => {",
    ...printSteps(scenario.steps, [], 8),
    "      },",
    "    },",
    "  },",
    "});",
    "",
  ];
  return lines.join("\n");
}

type Step = RequestStep | ThinkStep;

/** Steps of one group, those of inner groups inside. A pause belongs to the group around it. */
function printSteps(steps: readonly Step[], within: readonly string[], indent: number): string[] {
  const lines: string[] = [];
  const pad = " ".repeat(indent);
  let at = 0;
  while (at < steps.length) {
    const step = steps[at] as Step;
    const group = step.kind === "request" ? step.groups[within.length] : undefined;
    if (group === undefined) {
      lines.push(
        ...(step.kind === "think" ? [`${pad}await user.sleep(${step.milliseconds});`] : printRequest(step, indent)),
      );
      at++;
      continue;
    }
    const path = [...within, group];
    let end = at;
    while (end < steps.length && belongs(steps[end] as Step, path)) end++;
    while (steps[end - 1]?.kind === "think") end--;
    lines.push(`${pad}await user.group(${literal(group)}, async () => {`);
    lines.push(...printSteps(steps.slice(at, end), path, indent + 2));
    lines.push(`${pad}});`);
    at = end;
  }
  return lines;
}

const belongs = (step: Step, path: readonly string[]): boolean =>
  step.kind === "think" || path.every((group, index) => step.groups[index] === group);

function printRequest(step: RequestStep, indent: number): string[] {
  const pad = " ".repeat(indent);
  const options = [`name: ${literal(step.name)}`];
  if (step.headers.length > 0) {
    const headers = step.headers.map(([name, value]) => `[${literal(name)}]: ${template(value)}`);
    options.push(`headers: { ${headers.join(", ")} }`);
  }
  const { expectedStatus } = step;
  const body = step.body ? template(step.body) : "undefined";
  const call = `await user.http.request(${literal(step.method)}, ${template(step.url)}, ${body}, {`;
  const lines = [`${pad}{`, `${pad}  const response = ${call}`, ...options.map((option) => `${pad}    ${option},`)];
  if (expectedStatus !== undefined) lines.push(`${pad}    expect: [${expectedStatus}],`);
  lines.push(`${pad}  });`);
  const check =
    expectedStatus === undefined
      ? 'user.check("succeeded", response.ok)'
      : `user.check(${literal(`status is ${expectedStatus}`)}, response.status === ${expectedStatus})`;
  lines.push(`${pad}  ${check};`, `${pad}}`);
  return lines;
}

const template = (parts: Template): string =>
  parts.map((part) => (typeof part === "string" ? literal(part) : `variable(${literal(part.variable)})`)).join(" + ");

/** A string literal in ASCII: JSON is a part of TypeScript, and nothing invisible survives. */
function literal(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
