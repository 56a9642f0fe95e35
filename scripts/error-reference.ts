import {
  agentErrors,
  busErrors,
  configErrors,
  coordinationErrors,
  dispatchErrors,
  economyErrors,
  eventErrors,
  poolErrors,
  registryErrors,
  signalErrors,
  telemetryErrors,
  variableErrors,
} from "@mettle/agents";
import { type ErrorDefinition, coreErrors } from "@mettle/core";
import { benchErrors, benchLabErrors } from "@mettle/bench";
import {
  convertErrors,
  distributeErrors,
  driverErrors,
  httpErrors,
  k6Errors,
  loadErrors,
  mockModelErrors,
  traceErrors,
  workloadErrors,
} from "@mettle/load";
import { dashboardErrors } from "@mettle/dashboard";
import { judgeErrors } from "@mettle/judge";
import { reportErrors } from "@mettle/report";
import { resultsErrors } from "@mettle/results";
import { serviceErrors } from "@mettle/service";
import { statsErrors } from "@mettle/stats";
import { suitesErrors } from "@mettle/suites";
// Not part of the command's public surface: nothing that imports `mettle` meets these.
import { cliErrors } from "../packages/cli/src/errors.ts";

/** Every catalogue by its package, in the order of the layers. */
export const catalogues: Readonly<Record<string, Readonly<Record<string, ErrorDefinition>>>> = {
  core: coreErrors.definitions,
  stats: statsErrors.definitions,
  results: resultsErrors.definitions,
  bench: { ...benchErrors.definitions, ...benchLabErrors.definitions },
  load: {
    ...httpErrors.definitions,
    ...loadErrors.definitions,
    ...k6Errors.definitions,
    ...driverErrors.definitions,
    ...workloadErrors.definitions,
    ...traceErrors.definitions,
    ...mockModelErrors.definitions,
    ...convertErrors.definitions,
    ...distributeErrors.definitions,
  },
  judge: judgeErrors.definitions,
  report: reportErrors.definitions,
  dashboard: dashboardErrors.definitions,
  agents: {
    ...agentErrors.definitions,
    ...signalErrors.definitions,
    ...busErrors.definitions,
    ...registryErrors.definitions,
    ...configErrors.definitions,
    ...eventErrors.definitions,
    ...telemetryErrors.definitions,
    ...dispatchErrors.definitions,
    ...coordinationErrors.definitions,
    ...economyErrors.definitions,
    ...variableErrors.definitions,
    ...poolErrors.definitions,
  },
  service: serviceErrors.definitions,
  suites: suitesErrors.definitions,
  cli: cliErrors.definitions,
};

export interface ErrorRow {
  readonly package: string;
  readonly code: string;
  readonly meaning: string;
  readonly next: string;
  readonly exitCode: number;
  readonly retryable: boolean;
}

/** The rows of docs/reference/errors.md: `| CODE | meaning | next | exit code |`, under a heading for each package. */
export function errorRows(markdown: string): ErrorRow[] {
  let name = "";
  return markdown.split("\n").flatMap((line): ErrorRow[] => {
    name = /^## (\w+)/.exec(line)?.[1] ?? name;
    const cells = /^\| `([A-Z0-9_]+)` +\|(.*)\|(.*)\| *(\d+)(, retry)? *\|$/.exec(line);
    if (!cells) return [];
    const [, code = "", meaning = "", next = "", exitCode, retry] = cells;
    const row = { package: name, code, meaning: meaning.trim(), next: next.trim().replaceAll("\\|", "|") };
    return [{ ...row, exitCode: Number(exitCode), retryable: retry !== undefined }];
  });
}
