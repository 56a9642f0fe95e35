import { formatThreshold } from "@mettle/judge";
import { builtIn, type LoadSnapshot, type ScenarioProgress } from "@mettle/load";
import type { LoadOperation, LoadProgress } from "@mettle/report";
import type { LiveThreshold } from "./thresholds.ts";

const RECENT_POINTS = 60;
/** What the running table is made of, in this order of preference, as in the report: scripts of k6 have no response times. */
const tables = [
  builtIn.httpResponseTime,
  builtIn.httpDuration,
  builtIn.iterationResponseTime,
  builtIn.iterationDuration,
];

/** A snapshot as the live view shows it. */
export function progressOf(
  snapshot: LoadSnapshot,
  about: { readonly name: string; readonly target: string },
  judged: readonly LiveThreshold[],
): LoadProgress {
  const running = snapshot.scenarios.filter((scenario) => isRunning(scenario, snapshot.elapsedMs));
  const counted = countedIterations(snapshot.scenarios);
  const late = snapshot.board.find(builtIn.dispatchDelay.name)?.quantile(0.99);
  const known = judged.filter(({ finding }) => finding !== undefined && finding.state !== "no-data");
  return {
    ...about,
    phase: running.map(({ name }) => name).join(" + ") || "ending",
    elapsedMs: snapshot.elapsedMs,
    ...(Number.isFinite(snapshot.plannedMs) && { plannedMs: snapshot.plannedMs }),
    ...(counted && { iterations: counted }),
    perSecond: snapshot.startedPerSecond,
    ...(snapshot.duePerSecond !== undefined && { duePerSecond: snapshot.duePerSecond }),
    inFlight: snapshot.running,
    waiting: snapshot.waiting,
    users: snapshot.users,
    ...(snapshot.cpuShare !== undefined && { cpuShare: snapshot.cpuShare }),
    ...(late !== undefined && { lateP99Ns: late }),
    validity: snapshot.validity,
    thresholds: {
      missed: known.filter(({ missed }) => missed).length,
      held: known.filter(({ missed }) => !missed).length,
    },
    overall: overallOf(snapshot),
    operations: operationsOf(snapshot, judged),
    errors: snapshot.errors.map(({ message, count }) => ({ message, count })),
  };
}

const isRunning = ({ startMs, plannedEndMs, running }: ScenarioProgress, elapsedMs: number): boolean =>
  (elapsedMs >= startMs && elapsedMs <= plannedEndMs) || running > 0;

function countedIterations(scenarios: readonly ScenarioProgress[]): LoadProgress["iterations"] | undefined {
  if (!scenarios.every(({ plannedIterations }) => plannedIterations !== undefined)) return undefined;
  const sum = (of: (scenario: ScenarioProgress) => number): number =>
    scenarios.reduce((total, scenario) => total + of(scenario), 0);
  return { done: sum(({ ended }) => ended), planned: sum(({ plannedIterations }) => plannedIterations ?? 0) };
}

/** The times of everything, under the most telling metric that has any. */
export function operationTimes({ board }: LoadSnapshot): Row | undefined {
  const metric = tables.find(({ name }) => (board.find(name)?.count ?? 0) > 0);
  return metric && board.find(metric.name);
}

function overallOf(snapshot: LoadSnapshot): NonNullable<LoadProgress["overall"]> {
  const { board } = snapshot;
  const p95 = operationTimes(snapshot)?.quantile(0.95);
  const failedShare = shareOf(board.find(builtIn.httpFailed.name));
  return { ...(p95 !== undefined && { p95 }), ...(failedShare !== undefined && { failedShare }) };
}

type Row = NonNullable<ReturnType<LoadSnapshot["board"]["find"]>>;

const shareOf = (row: Row | undefined): number | undefined =>
  row?.sum === undefined ? undefined : row.sum / row.count;

function operationsOf(snapshot: LoadSnapshot, judged: readonly LiveThreshold[]): readonly LoadOperation[] {
  const metric = tables.find(({ name }) => (snapshot.board.find(name)?.count ?? 0) > 0);
  if (!metric) return [];
  const rows = snapshot.board.rows.filter(
    ({ definition, tags }) => definition.name === metric.name && isOperation(tags),
  );
  const operations = rows.map((row): LoadOperation => {
    const failed = shareOf(snapshot.board.find(builtIn.httpFailed.name, row.tags));
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => (row.count * (1 - q) >= 1 ? row.quantile(q) : undefined));
    const latest = row.points.latest("count", 1)[0];
    const seconds = row.points.stepMs / 1000;
    const limit = limitOf(row.tags["name"] ?? row.tags["scenario"], judged);
    return {
      name: nameOf(row.tags, rows),
      perSecond: latest === undefined || Number.isNaN(latest) ? 0 : latest / seconds,
      ...(failed !== undefined && { failedShare: failed }),
      ...(p50 !== undefined && { p50 }),
      ...(p95 !== undefined && { p95 }),
      ...(p99 !== undefined && { p99 }),
      ...(limit && { limit }),
      recent: row.points.latest("p95", RECENT_POINTS).map((value) => (Number.isNaN(value) ? undefined : value)),
    };
  });
  // What is over its limit is seen however seldom it is asked for.
  const missed = ({ limit }: LoadOperation): number => Number(limit?.missed ?? false);
  return operations.toSorted((a, b) => missed(b) - missed(a) || b.perSecond - a.perSecond);
}

type Tags = Readonly<Record<string, string>>;

/** A request's own name, with its scenario's where another has one like it: names are what rows are told apart by. */
function nameOf({ scenario = "all", name }: Tags, rows: readonly { readonly tags: Tags }[]): string {
  if (name === undefined) return scenario;
  return rows.filter(({ tags }) => tags["name"] === name).length > 1 ? `${scenario} ${name}` : name;
}

/** Other tags than these are parts of operations that a rule asked for. */
const isOperation = (tags: Tags): boolean =>
  tags["scenario"] !== undefined && Object.keys(tags).every((tag) => tag === "scenario" || tag === "name");

/** The threshold of an operation: one missed before one held, its own before a general one. */
function limitOf(name: string | undefined, judged: readonly LiveThreshold[]): LoadOperation["limit"] | undefined {
  const times = judged.filter(({ rule }) => /^(http_req_duration|http_req_response_time)$/.test(rule.selector.metric));
  const own = times.filter(({ rule }) => Object.values(rule.selector.tags).includes(name ?? ""));
  const general = times.filter(({ rule }) => Object.keys(rule.selector.tags).length === 0);
  const [best] = (own.length > 0 ? own : general).toSorted((a, b) => Number(b.missed) - Number(a.missed));
  return best && { text: formatThreshold(best.rule.threshold), missed: best.missed };
}
