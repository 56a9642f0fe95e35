import type { Origin } from "./child-blame.ts";
import { type CaseDefinition, caseId, type Collector } from "./definition.ts";
import { type Batch, makeDriver } from "./driver.ts";
import { type ArmId, controlArm, type LoadedCase, type LoadedSuite, type TimerCosts } from "./protocol.ts";

/** One loop that blocks interleave: a case, the baseline's hidden twin, or the control. */
export interface Arm {
  readonly id: ArmId;
  readonly case: string;
  readonly origin: Origin;
  readonly definition: CaseDefinition;
  readonly batch: Batch;
  readonly optimize: () => void;
  readonly isAsync: boolean;
  readonly includesLoop: boolean;
  iterations: number;
}

/** What the file offers, as plain data; `excluded` cases (failed before) and those the filter misses are left out. */
export function describeSuites(collector: Collector, excluded: readonly string[], filter?: string): LoadedSuite[] {
  const only = collector.suites.some((suite) => suite.cases.some((definition) => definition.only));
  const wanted = filter?.toLowerCase();
  return collector.suites
    .map((suite, index) => {
      const cases = suite.cases
        .filter((definition) => !only || definition.only)
        .map((definition) => describeCase(caseId(suite.titles, definition), definition))
        .filter(({ id }) => !excluded.includes(id) && (!wanted || id.toLowerCase().includes(wanted)));
      const timed = cases.filter(({ kind }) => kind === "time").length;
      return { index, titles: suite.titles, compare: (suite.options.compare ?? true) && timed > 1, cases };
    })
    .filter(({ cases }) => cases.length > 0);
}

function describeCase(id: string, { kind, title, parameters, options }: CaseDefinition): LoadedCase {
  return {
    id,
    kind,
    title,
    parameters,
    baseline: options.baseline ?? false,
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    ...(options.requirement && { requirement: options.requirement }),
    ...(options.units && { units: options.units }),
  };
}

/**
 * The reference workload whose time stands beside every result, so that history compares ratios and not machines.
 * Frozen: a change of this loop makes all control ratios before and after it incomparable.
 */
function controlWorkload(): number {
  let state = 1;
  const seen: number[] = [];
  for (let i = 0; i < 4000; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    if ((i & 63) === 0) seen.push(state & 1023);
  }
  return seen.length + state;
}

export const controlDefinition: CaseDefinition = {
  kind: "time",
  title: "control",
  body: controlWorkload,
  options: {},
  parameters: {},
  only: false,
};

export async function makeArm(
  id: ArmId,
  caseName: string,
  definition: CaseDefinition,
  costs: TimerCosts,
): Promise<Arm> {
  const driver = await makeDriver(definition, costs.timerNs);
  return { id, case: caseName, origin: { case: caseName, again: false }, definition, ...driver, iterations: 1 };
}

export const isControl = (id: ArmId): boolean => id === controlArm;
