import type { RequestStep, ThinkStep } from "./scenario-model.ts";

interface StepGroup {
  readonly kind: "group";
  readonly name: string;
  readonly steps: readonly StepNode[];
}
export type StepNode = RequestStep | ThinkStep | StepGroup;

/** Steps of one group, those of inner groups inside. A pause at the end of a group belongs to the group around it. */
export function stepTree(
  steps: readonly (RequestStep | ThinkStep)[],
  within: readonly string[] = [],
): readonly StepNode[] {
  const nodes: StepNode[] = [];
  let at = 0;
  while (at < steps.length) {
    const step = steps[at] as RequestStep | ThinkStep;
    const name = step.kind === "request" ? step.groups[within.length] : undefined;
    if (name === undefined) {
      nodes.push(step);
      at++;
      continue;
    }
    const path = [...within, name];
    let end = at;
    while (end < steps.length && belongs(steps[end] as RequestStep | ThinkStep, path)) end++;
    while (steps[end - 1]?.kind === "think") end--;
    nodes.push({ kind: "group", name, steps: stepTree(steps.slice(at, end), path) });
    at = end;
  }
  return nodes;
}

const belongs = (step: RequestStep | ThinkStep, path: readonly string[]): boolean =>
  step.kind === "think" || path.every((group, index) => step.groups[index] === group);
