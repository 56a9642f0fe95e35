import { MettleError } from "@mettle/core";
import {
  type Address,
  type LiveAbout,
  type LiveMoment,
  type LiveRule,
  LiveServer,
  LOOPBACK,
  parseAddress,
  slotOf,
} from "@mettle/dashboard";
import { formatThreshold } from "@mettle/judge";
import { builtIn, type LoadPlan, type LoadSnapshot, plannedEndMs } from "@mettle/load";
import type { LoadProgress } from "@mettle/report";
import type { CommandContext } from "../command-context.ts";
import { liveAgentsOf } from "./live-agents.ts";
import { SpendingMeter } from "./live-budgets.ts";
import { operationTimes } from "./progress.ts";
import type { LiveThreshold } from "./thresholds.ts";

const USUAL_PORT = 7788;

/** The page that `--ui` asks for; undefined where it does not. */
export async function openLivePage(
  about: Omit<LiveAbout, "startedAt" | "phases">,
  plan: LoadPlan,
  { flags, clock }: CommandContext,
): Promise<LivePage | undefined> {
  const wanted = flags.text("ui");
  if (wanted === undefined) return undefined;
  const whole: LiveAbout = {
    ...about,
    startedAt: new Date(clock.wallTime()).toISOString(),
    phases: plan.scenarios.map((scenario) => {
      const toMs = plannedEndMs(scenario);
      return { name: scenario.name, fromMs: scenario.startTimeMs, ...(Number.isFinite(toMs) && { toMs }) };
    }),
  };
  return new LivePage(await listen(whole, wanted === "" ? undefined : parseAddress(wanted)));
}

/** Where nobody asked for a port, another run's page on the usual one is no reason to fail. */
async function listen(about: LiveAbout, address: Address | undefined): Promise<LiveServer> {
  if (address) return await LiveServer.listen(about, address);
  try {
    return await LiveServer.listen(about, { host: LOOPBACK, port: USUAL_PORT });
  } catch (error) {
    if (!(error instanceof MettleError && error.code === "DASHBOARD_ADDRESS_TAKEN")) throw error;
    return await LiveServer.listen(about, { host: LOOPBACK, port: 0 });
  }
}

/** Feeds the live page from the snapshots of the engine. */
export class LivePage implements AsyncDisposable {
  readonly #server: LiveServer;
  readonly #spending = new SpendingMeter();
  /** When each rule that is missed began to be, by its place. */
  readonly #missedSinceMs = new Map<number, number>();
  /** How many values were in each slot a second ago. */
  #before = new Map<number, number>();

  constructor(server: LiveServer) {
    this.#server = server;
  }

  get url(): string {
    return this.#server.url;
  }

  update(snapshot: LoadSnapshot, progress: LoadProgress, judged: readonly LiveThreshold[]): void {
    this.#server.update(this.momentOf(snapshot, progress, judged));
  }

  momentOf(snapshot: LoadSnapshot, progress: LoadProgress, judged: readonly LiveThreshold[]): LiveMoment {
    const { board } = snapshot;
    const times = operationTimes(snapshot);
    const requests = board.find(builtIn.httpRequests.name) ?? board.find(builtIn.iterations.name);
    const failed = board.find(builtIn.httpFailed.name) ?? board.find(builtIn.failedIterations.name);
    const perSecond = requests?.lastStep("perSecond");
    const share = failed?.lastStep("rate");
    const spending = this.#spending.read(board, judged);
    const agents = liveAgentsOf(board);
    const [p50, p95, p99] = ["p50", "p95", "p99"].map((column) => times?.lastStep(column));
    return {
      progress,
      rules: judged.map((one, place) => ({
        ...ruleOf(one),
        ...this.#lastingMiss(one, place, progress.elapsedMs),
        isOfTimesShown: one.rule.selector.metric === times?.definition.name && isOnAll(one),
      })),
      second: {
        ...(perSecond !== undefined && { perSecond }),
        ...(perSecond !== undefined && share !== undefined && { failedPerSecond: perSecond * share }),
        ...(p50 !== undefined && { p50 }),
        ...(p95 !== undefined && { p95 }),
        ...(p99 !== undefined && { p99 }),
        slots: this.#slotsOf(times),
      },
      ...(spending.length > 0 && { spending }),
      ...(agents && { agents }),
    };
  }

  #lastingMiss({ missed }: LiveThreshold, place: number, nowMs: number): Pick<LiveRule, "missedSinceMs"> {
    if (!missed) {
      this.#missedSinceMs.delete(place);
      return {};
    }
    const missedSinceMs = this.#missedSinceMs.get(place) ?? nowMs;
    this.#missedSinceMs.set(place, missedSinceMs);
    return { missedSinceMs };
  }

  /** The report takes the page's place. */
  finish(report: string | undefined): Promise<void> {
    return this.#server.finish(report);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }

  /** What came since a second ago. */
  #slotsOf(times: ReturnType<typeof operationTimes>): number[] {
    const now = new Map<number, number>();
    for (const { from, to, count } of times?.buckets() ?? []) {
      const slot = slotOf((from + to) / 2);
      now.set(slot, (now.get(slot) ?? 0) + count);
    }
    const fresh = [...now].flatMap(([slot, count]) => {
      const more = count - (this.#before.get(slot) ?? 0);
      return more > 0 ? [slot, more] : [];
    });
    this.#before = now;
    return fresh;
  }
}

/** Whether a rule is on all operations together; one with tags says nothing of the others. */
const isOnAll = ({ rule }: LiveThreshold): boolean => Object.keys(rule.selector.tags).length === 0;

/** The rule as a script writes it. */
function textOf({ rule: { selector, threshold } }: LiveThreshold): string {
  const tags = Object.entries(selector.tags).map(([name, value]) => `${name}:${value}`);
  return `${selector.metric}${tags.length === 0 ? "" : `{${tags.join()}}`}: ${formatThreshold(threshold)}`;
}

function ruleOf(judged: LiveThreshold): LiveRule {
  const { finding, missed } = judged;
  const { actual, limit, unit, consumed, state } = finding ?? {};
  return {
    text: textOf(judged),
    state: missed ? "missed" : state === undefined || state === "no-data" ? "no-data" : "held",
    ...(actual !== undefined && { actual }),
    ...(limit !== undefined && { limit }),
    ...(unit !== undefined && { unit }),
    ...(consumed !== undefined && { consumed }),
  };
}
