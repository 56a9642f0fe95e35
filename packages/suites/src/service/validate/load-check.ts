import { ms } from "@mettle/core";
import { formatSelector, parseSelector, resolvePolicy, type Thresholds } from "@mettle/judge";
import { type LoadResult, resolvePlan, runLoad, type Submetric } from "@mettle/load";
import type { Measurement } from "@mettle/results";
import type { Rules } from "../../catalogue/scenario.ts";
import { suitesErrors } from "../../errors.ts";
import { serviceLoad, type ServiceLoadParameters, serviceSource } from "../service-load.ts";
import type { ServiceScenario } from "../service-scenario.ts";
import type { CheckContext, ServiceCheck } from "./check.ts";
import type { MetricsSnapshot } from "./open-metrics.ts";

/** What a run keeps of a load test; each carries the load's name. */
const keptMetrics: readonly string[] = [
  "http_req_response_time",
  "http_req_duration",
  "http_req_failed",
  "http_reqs",
  "checks",
  "iterations",
  "dropped_iterations",
  "sessions_begun",
];

const standBackEvery = ms(500);

interface LoadCheckOptions {
  readonly seconds: ServiceCheck["seconds"];
  readonly share?: number;
  /** Whether it asks no more than is promised: then what the service tells of itself meanwhile counts. */
  readonly promised: boolean;
  /** Whether its users come back as often as they do, however short it is. @defaultValue false */
  readonly steady?: boolean;
  /** Done beside it until it is over. */
  readonly meanwhile?: (context: CheckContext, over: AbortSignal) => Promise<void>;
}

/** One of the load tests of an agent service, judged by its own thresholds. */
export function loadCheck(scenario: ServiceScenario, options: LoadCheckOptions): ServiceCheck {
  const { seconds, share } = options;
  return {
    id: `service.${scenario.id}`,
    suite: "service",
    group: "infrastructure_benchmarks",
    title: scenario.title,
    requirement: scenario.requirement,
    seconds,
    ...(share !== undefined && { share }),
    rules: loadRules(scenario),
    run: (context) => runCheck(scenario, options, context),
  };
}

const kept = (metric: string): string => `service.${metric}`;

/** A scenario's thresholds, on the metrics as a validation names them. */
function loadRules({ id, thresholds }: ServiceScenario): Rules {
  const renamed = Object.entries(thresholds).map(([text, entry]) => {
    const { metric, tags } = parseSelector(text);
    return [formatSelector({ metric: kept(metric), tags: { ...tags, load: id } }), entry] as const;
  });
  return { thresholds: Object.fromEntries(renamed) as Thresholds };
}

async function runCheck(
  scenario: ServiceScenario,
  { promised, steady = false, meanwhile }: LoadCheckOptions,
  context: CheckContext,
): Promise<void> {
  const { subject, clock, usage, components, availability } = context;
  const { client } = subject;
  const read = (): Promise<MetricsSnapshot | undefined> => client.metrics();
  const before = await read();
  const load = async (): Promise<LoadResult> => {
    const over = new AbortController();
    const beside = meanwhile?.(context, over.signal);
    beside?.catch(() => undefined); // told below, when the load is over
    const result = await putLoad(scenario, context).finally(() => over.abort());
    await beside;
    return result;
  };
  const result = promised ? await usage.during(load, read, clock, subject.restart !== undefined) : await load();
  context.signal.throwIfAborted();
  const { validity, measurements } = result.run;
  if (validity.state === "invalid") {
    throw suitesErrors.create(
      "SERVICE_LOAD_INVALID",
      `What ${scenario.id} measured proves nothing: ${validity.reasons[0] ?? ""}.`,
      {
        details: { reasons: validity.reasons },
      },
    );
  }
  context.degraded([
    ...validity.reasons,
    ...result.errors.slice(0, 3).map(({ message, count }) => `${count} times: ${message}`),
  ]);
  context.keep(keptOf(scenario, measurements));
  if (!promised) return;
  availability.add(measurements);
  const after = await read();
  if (before && after) components.add(before, after, steady);
}

/** Puts a scenario's load on the service, and gives what came of it. */
export async function putLoad(
  scenario: ServiceScenario,
  context: Omit<CheckContext, "record" | "keep" | "degraded">,
): Promise<LoadResult> {
  const { profile, seconds, subject, signal, generator, revision } = context;
  const parameters: ServiceLoadParameters = {
    scenario: scenario.id,
    baseUrl: subject.baseUrl,
    profile,
    longestMs: seconds * 1000,
    credentials: subject.credentials,
  };
  const test = serviceLoad(parameters);
  const over = new AbortController();
  void standingBack(context, over.signal);
  return await runLoad({
    name: `service.${scenario.id}`,
    kind: "validate",
    profile,
    plan: resolvePlan(test.options),
    from: generator === "thread" ? { source: serviceSource(parameters) } : { inline: { ...generator.inline, test } },
    submetrics: submetricsOf(scenario.thresholds),
    stop: signal,
    stopNow: subject.died,
    noiseProbe: false,
    ...(revision && { revision }),
  }).finally(() => over.abort());
}

/** At once, and again while the load goes on: the database opens connections, each a process, when there is more to do. */
async function standingBack(
  { subject, clock }: Pick<CheckContext, "subject" | "clock">,
  over: AbortSignal,
): Promise<void> {
  while (subject.standBack && !over.aborted) {
    subject.standBack();
    await clock.sleep(standBackEvery, over).catch(() => undefined);
  }
}

/** Parts of metrics that the scenario's thresholds speak of. */
function submetricsOf(thresholds: Thresholds): readonly Submetric[] {
  return resolvePolicy({ thresholds }).thresholds.flatMap(({ selector: { metric, tags } }) =>
    Object.keys(tags).length > 0 ? [{ metric, tags }] : [],
  );
}

/** The whole of each metric, and those parts of it that a threshold or a check is about. */
function keptOf(scenario: ServiceScenario, measurements: readonly Measurement[]): readonly Measurement[] {
  const { id, requirement, thresholds } = scenario;
  const parts = new Set(submetricsOf(thresholds).map((part) => formatSelector(part)));
  const isKept = (measurement: Measurement): boolean => {
    const names = Object.keys(measurement.tags);
    if (!keptMetrics.includes(measurement.metric)) return false;
    return names.length === 0 || String(names) === "check" || parts.has(formatSelector(measurement));
  };
  return measurements.filter(isKept).map(({ series, ...measurement }) => ({
    ...measurement,
    metric: kept(measurement.metric),
    tags: { ...measurement.tags, load: id, platform: "service" },
    requirement: [...requirement],
    // Of the parts there are several; what they did over time is in the whole.
    ...(series && Object.keys(measurement.tags).length === 0 && { series }),
  }));
}
