import type { RequestStep, ScenarioModel, Template } from "./scenario-model.ts";
import { type StepNode, stepTree } from "./step-tree.ts";

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
    ...printSteps(stepTree(scenario.steps), 8),
    "      },",
    "    },",
    "  },",
    "});",
    "",
  ];
  return lines.join("\n");
}

function printSteps(nodes: readonly StepNode[], indent: number): string[] {
  const pad = " ".repeat(indent);
  return nodes.flatMap((node) => {
    if (node.kind === "think") return [`${pad}await user.sleep(${node.milliseconds});`];
    if (node.kind === "request") return printRequest(node, indent);
    return [
      `${pad}await user.group(${literal(node.name)}, async () => {`,
      ...printSteps(node.steps, indent + 2),
      `${pad}});`,
    ];
  });
}

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
