import { exitCodes } from "@mettle/core";
import { type Finding, formatSelector, judgeRegressions, policyDefaults } from "@mettle/judge";
import { renderComparison } from "@mettle/report";
import { compareEnvironments, findMeasurements, headlineStatistic, type Measurement, type Run } from "@mettle/results";
import { type CommandContext, printJson } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { findRun } from "../run/find-run.ts";
import { textOptions } from "../run/render-text.ts";

/** `mettle compare A B`: A is the baseline. It tells; `mettle gate` decides. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const [first, second] = context.positionals;
  const baseline = await findRun(first, settings, context.cwd);
  const candidate = await findRun(second, settings, context.cwd);
  const paired = { ...candidate, comparisons: pairedWith(candidate, baseline) };
  const { findings } = judgeRegressions(paired, baseline, policyDefaults, settings.config.judge?.regressions);
  if (context.flags.on("json")) {
    printJson(context, comparisonDocument(baseline, candidate, findings));
    return exitCodes.pass;
  }
  const changes = findings.flatMap(({ metric, tags, change }) =>
    metric !== undefined && change ? [{ metric, tags: tags ?? {}, change }] : [],
  );
  context.stdout.write(renderComparison(baseline, paired, changes, textOptions(context)));
  return exitCodes.pass;
}

/** A paired comparison speaks of these two runs only when it was made with the code that the baseline measured. */
function pairedWith({ comparisons = [] }: Run, { revision }: Run): NonNullable<Run["comparisons"]> {
  return comparisons.filter(
    ({ baseline }) =>
      revision && !revision.dirty && baseline.revision?.commit === revision.commit && !baseline.revision.dirty,
  );
}

function comparisonDocument(baseline: Run, candidate: Run, findings: readonly Finding[]): object {
  const side = ({ id, name, startedAt, revision, environment, validity }: Run): object => ({
    id,
    name,
    startedAt,
    ...(revision && { revision }),
    environmentFingerprint: environment.fingerprint,
    validity,
  });
  const figure = (measurement: Measurement | undefined): object | undefined => {
    const headline = measurement && headlineStatistic(measurement);
    return headline && { statistic: headline.name, value: headline.value, unit: headline.unit };
  };
  const metrics = candidate.measurements.map((measurement) => {
    const { metric, tags, unit, direction } = measurement;
    const key = formatSelector(measurement);
    const before = findMeasurements(baseline, { metric, tags }).find((each) => formatSelector(each) === key);
    const finding = findings.find(
      (each) => each.metric === metric && formatSelector({ metric, tags: each.tags ?? {} }) === key,
    );
    return {
      metric,
      tags,
      unit,
      direction,
      baseline: figure(before),
      candidate: figure(measurement),
      ...(finding?.change && { change: finding.change }),
      ...(finding && { message: finding.message, evidence: finding.evidence }),
    };
  });
  const known = new Set(candidate.measurements.map(formatSelector));
  return {
    schema: "mettle.comparison/1",
    baseline: side(baseline),
    candidate: side(candidate),
    environment: compareEnvironments(baseline.environment, candidate.environment),
    metrics,
    onlyInBaseline: baseline.measurements.map(formatSelector).filter((key) => !known.has(key)),
  };
}
