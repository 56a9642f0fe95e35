import { exitCodes } from "@mettle/core";
import { type Finding, formatSelector, judgeRegressions, policyDefaults } from "@mettle/judge";
import { type MetricChange, renderComparison, renderComparisonHtml } from "@mettle/report";
import { compareEnvironments, findMeasurements, headlineStatistic, type Measurement, type Run } from "@mettle/results";
import { type CommandContext, note, printJson } from "../command-context.ts";
import { loadSettings, type Settings } from "../config/settings.ts";
import { OutputFolder } from "../output-folder.ts";
import { findRun } from "../run/find-run.ts";
import { textOptions } from "../run/render-text.ts";

/** `mettle compare A B…`: A is the baseline. It tells; `mettle gate` decides. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const [first, ...others] = context.positionals;
  const baseline = await findRun(first, settings, context.cwd);
  const compared: Compared[] = [];
  for (const other of others)
    compared.push(compareWith(baseline, await findRun(other, settings, context.cwd), settings));
  if (context.flags.on("json")) {
    const documents = compared.map(({ run, findings }) => comparisonDocument(baseline, run, findings));
    printJson(
      context,
      documents.length === 1 ? (documents[0] ?? {}) : { schema: "mettle.comparisons/1", comparisons: documents },
    );
  } else {
    const texts = compared.map(({ run, changes }) => renderComparison(baseline, run, changes, textOptions(context)));
    context.stdout.write(texts.join("\n"));
  }
  if (context.flags.on("html")) {
    const out = new OutputFolder(settings.out, context.cwd);
    await out.write("compare.html", renderComparisonHtml(baseline, compared));
    note(context, `Wrote ${out.shown("compare.html")}.`);
  }
  return exitCodes.pass;
}

/** A run beside the baseline, with what the judge says of the two. */
interface Compared {
  readonly run: Run;
  readonly findings: readonly Finding[];
  readonly changes: readonly MetricChange[];
}

function compareWith(baseline: Run, candidate: Run, settings: Settings): Compared {
  const run = { ...candidate, comparisons: pairedWith(candidate, baseline) };
  const { findings } = judgeRegressions(run, baseline, policyDefaults, settings.config.judge?.regressions);
  const changes = findings.flatMap(({ metric, tags, change }) =>
    metric !== undefined && change ? [{ metric, tags: tags ?? {}, change }] : [],
  );
  return { run, findings, changes };
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
