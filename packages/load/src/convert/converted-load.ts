import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { messageOf } from "@mettle/core";
import type { LoadTest } from "../engine/load-test.ts";
import { defineLoad } from "../scenario/define-load.ts";
import type { LoadUser } from "../scenario/load-user.ts";
import { type ConvertFormat, convertToScenario } from "./convert.ts";
import { convertErrors } from "./errors.ts";
import type { RequestStep, ScenarioModel, Template } from "./scenario-model.ts";
import { type StepNode, stepTree } from "./step-tree.ts";

export interface ConvertedLoadParameters {
  /** A path. */
  readonly file: string;
  readonly format?: ConvertFormat;
  /** Over the environment of the process, for the variables that the scenario takes from there. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A HAR file, Postman collection or OpenAPI document as a load test, without a script in between: one user who does it
 * once, until the load is said.
 *
 * @throws MettleError `CONVERT_UNREADABLE`, `CONVERT_INVALID`, `CONVERT_UNSUPPORTED`, `CONVERT_EMPTY`
 */
export async function convertedLoad({ file, format, env }: ConvertedLoadParameters): Promise<LoadTest> {
  const source = basename(file);
  const { scenario } = convertToScenario(await textOf(file), { source, ...(format && { format }) });
  return loadOfScenario(scenario, env);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw convertErrors.create("CONVERT_UNREADABLE", `${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

/** A scenario as data, made a load test: what the printed script of it would do. */
export function loadOfScenario(scenario: ScenarioModel, env: Readonly<Record<string, string>> = {}): LoadTest {
  const nodes = stepTree(scenario.steps);
  const values = new Map(
    scenario.variables.map(({ name, value, environment }) => [
      name,
      (environment === undefined ? undefined : (env[environment] ?? process.env[environment])) ?? value,
    ]),
  );
  const fill = (template: Template): string =>
    template.map((part) => (typeof part === "string" ? part : (values.get(part.variable) ?? ""))).join("");
  return defineLoad({
    scenarios: {
      [scenario.name]: { vus: 1, iterations: 1, run: (user) => runNodes(user, nodes, fill) },
    },
  });
}

async function runNodes(
  user: LoadUser<undefined>,
  nodes: readonly StepNode[],
  fill: (template: Template) => string,
): Promise<void> {
  for (const node of nodes) {
    if (node.kind === "think") await user.sleep(node.milliseconds);
    else if (node.kind === "request") await request(user, node, fill);
    else await user.group(node.name, () => runNodes(user, node.steps, fill));
  }
}

async function request(
  user: LoadUser<undefined>,
  step: RequestStep,
  fill: (template: Template) => string,
): Promise<void> {
  const { expectedStatus } = step;
  const response = await user.http.request(step.method, fill(step.url), step.body && fill(step.body), {
    name: step.name,
    headers: Object.fromEntries(step.headers.map(([name, value]) => [name, fill(value)])),
    ...(expectedStatus !== undefined && { expect: [expectedStatus] }),
  });
  if (expectedStatus === undefined) user.check("succeeded", response.ok);
  else user.check(`status is ${expectedStatus}`, response.status === expectedStatus);
}
