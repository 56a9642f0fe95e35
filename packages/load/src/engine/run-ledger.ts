import type { Measurement } from "@mettle/results";
import { withAgentFigures } from "../agent/run-figures.ts";
import { builtIn } from "../metrics/built-in.ts";
import { MetricBoard } from "../metrics/metric-board.ts";
import { withSamples } from "../metrics/measured-samples.ts";
import { SampleBook } from "../metrics/sample-book.ts";
import type { Submetric } from "../metrics/worker-recorder.ts";
import { ErrorBook, type ErrorEntry } from "./error-book.ts";
import type { LoadSnapshot, ScenarioProgress } from "./load-snapshot.ts";
import type { Flush } from "./protocol.ts";
import type { LoadPlan } from "./resolve-plan.ts";
import { mostUsers, plannedEndMs, type ScenarioPlan } from "./scenario-plan.ts";
import type { ScenarioCounts } from "./scenario-run.ts";
import type { ThreadHealth } from "./thread-health.ts";
import { HealthRecord, judgeValidity } from "./validity.ts";

type CountsByScenario = Readonly<Record<string, ScenarioCounts>>;

const mapped = (counts: CountsByScenario, change: (counts: ScenarioCounts) => ScenarioCounts): CountsByScenario =>
  Object.fromEntries(Object.entries(counts).map(([name, each]) => [name, change(each)]));

const none: ScenarioCounts = { users: 0, running: 0, waiting: 0, due: 0, started: 0, ended: 0 };

/** Everything gathered from the workers of one run, and what follows from it. */
export class RunLedger {
  readonly #plan: LoadPlan;
  readonly #board: MetricBoard;
  readonly #errors = new ErrorBook();
  readonly #samples = new SampleBook();
  readonly #health: HealthRecord[];
  readonly #lastHealth = new Map<number, ThreadHealth>();
  readonly #counts = new Map<number, CountsByScenario>();
  readonly #overflowed = new Map<number, number>();
  readonly #lost: string[] = [];
  #closedMs = 0;
  #before = { due: 0, started: 0 };
  #perSecond = { due: 0, started: 0 };

  constructor(plan: LoadPlan, submetrics: readonly Submetric[], points: number, stepMs: number) {
    this.#plan = plan;
    this.#board = new MetricBoard(submetrics, { points, stepMs });
    this.#health = Array.from({ length: plan.workers }, () => new HealthRecord());
  }

  get errors(): readonly ErrorEntry[] {
    return this.#errors.entries;
  }

  take(worker: number, flush: Flush): void {
    this.#board.announce(worker, flush.fresh);
    this.#board.absorb(worker, flush.half);
    this.#counts.set(worker, flush.counts);
    this.#health[worker]?.add(flush.health);
    this.#lastHealth.set(worker, flush.health);
    this.#errors.merge(flush.errors);
    this.#samples.merge(flush.samples);
    this.#overflowed.set(worker, flush.overflowed);
  }

  /** @param text - what the run document says of it */
  lost(worker: number, text: string): void {
    this.#lost.push(text);
    const counts = this.#counts.get(worker);
    // What it had begun stays counted; its users are gone.
    if (counts)
      this.#counts.set(
        worker,
        mapped(counts, (each) => ({ ...each, users: 0, running: 0, waiting: 0 })),
      );
  }

  /** Ends a step of every series at `atMs` from the start. */
  closeStep(atMs: number): void {
    const seconds = (atMs - this.#closedMs) / 1000;
    if (!(seconds > 0)) return;
    const total = this.#total();
    this.#perSecond = {
      due: (total.due - this.#before.due) / seconds,
      started: (total.started - this.#before.started) / seconds,
    };
    this.#before = total;
    this.#board.add(builtIn.virtualUsers, total.users, atMs);
    this.#board.add(builtIn.virtualUsersMax, this.#mostUsers(), atMs);
    this.#board.closePoints(this.#closedMs, seconds);
    this.#closedMs = atMs;
  }

  snapshot(elapsedMs: number): LoadSnapshot {
    const total = this.#total();
    const cpu = [...this.#lastHealth.values()].flatMap(({ runMs, wallMs }) =>
      runMs === undefined || wallMs <= 0 ? [] : [runMs / wallMs],
    );
    return {
      elapsedMs,
      plannedMs: this.#plan.scenarios.reduce((latest, scenario) => Math.max(latest, plannedEndMs(scenario)), 0),
      startedPerSecond: this.#perSecond.started,
      ...(this.#hasOpen && { duePerSecond: this.#perSecond.due }),
      running: total.running,
      waiting: total.waiting,
      users: total.users,
      scenarios: this.#plan.scenarios.map((scenario) => this.#progress(scenario)),
      validity: this.#validity(total),
      ...(cpu.length > 0 && { cpuShare: cpu.reduce((a, b) => a + b, 0) / cpu.length }),
      errors: this.errors,
      board: this.#board,
      measurements: () => this.#measurements(elapsedMs),
    };
  }

  #measurements(elapsedMs: number): readonly Measurement[] {
    const overflowed = [...this.#overflowed.values()].reduce((a, b) => a + b, 0);
    const measured = withSamples(withAgentFigures(this.#board.measurements(elapsedMs / 1000)), this.#samples.entries());
    if (overflowed === 0) return measured;
    const note = `${overflowed} samples' tags beyond the cap of ${this.#plan.recorder.maxTagSets} tag sets were dropped`;
    return measured.map((each) =>
      Object.keys(each.tags).length === 0 ? each : { ...each, notes: [...(each.notes ?? []), note] },
    );
  }

  get #hasOpen(): boolean {
    return this.#plan.scenarios.some(({ model }) => model === "open");
  }

  #validity(total: ScenarioCounts): LoadSnapshot["validity"] {
    const p99 = (metric: string): number | undefined => {
      const row = this.#board.find(metric);
      // Of fewer values the 99th percentile is but the greatest, and one is no evidence.
      const ns = row && row.count >= 100 ? row.quantile(0.99) : undefined;
      return ns === undefined ? undefined : ns / 1e6;
    };
    const sum = (metric: string): number => this.#board.find(metric)?.sum ?? 0;
    const dispatchP99Ms = p99(builtIn.dispatchDelay.name);
    const responseP99Ms = p99(builtIn.iterationResponseTime.name);
    const startDelayP99Ms = p99(builtIn.iterationStartDelay.name);
    const open = this.#plan.scenarios.filter(({ model }) => model === "open").map(({ name }) => name);
    const scheduled = this.#sum((name) => open.includes(name));
    return judgeValidity({
      workers: this.#health,
      lost: this.#lost,
      ...(dispatchP99Ms !== undefined && { dispatchP99Ms }),
      ...(responseP99Ms !== undefined && { responseP99Ms }),
      ...(startDelayP99Ms !== undefined && { startDelayP99Ms }),
      scheduled: open.length > 0,
      due: scheduled.due - total.waiting,
      started: scheduled.started,
      dropped: sum(builtIn.droppedIterations.name),
      unstarted: sum(builtIn.unstartedIterations.name),
    });
  }

  #progress(scenario: ScenarioPlan): ScenarioProgress {
    const { name, executor, startTimeMs } = scenario;
    const counted = scenario.model === "closed" ? scenario.iterations : undefined;
    const users = scenario.model === "closed" ? scenario.startUsers : 1;
    return {
      ...this.#sum((each) => each === name),
      name,
      executor,
      startMs: startTimeMs,
      plannedEndMs: plannedEndMs(scenario),
      ...(counted && { plannedIterations: counted.shared ? counted.count : counted.count * users }),
    };
  }

  #total(): ScenarioCounts {
    return this.#sum(() => true);
  }

  #sum(of: (name: string) => boolean): ScenarioCounts {
    const all = [...this.#counts.values()].flatMap((counts) =>
      Object.entries(counts).flatMap(([name, each]) => (of(name) ? [each] : [])),
    );
    const field = (key: keyof ScenarioCounts): number => all.reduce((total, each) => total + each[key], 0);
    return all.length === 0
      ? none
      : {
          users: field("users"),
          running: field("running"),
          waiting: field("waiting"),
          due: field("due"),
          started: field("started"),
          ended: field("ended"),
        };
  }

  #mostUsers(): number {
    return this.#plan.scenarios.reduce((total, scenario) => total + mostUsers(scenario), 0);
  }
}
