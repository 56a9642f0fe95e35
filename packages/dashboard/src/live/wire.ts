import type { LiveAbout, LiveAgents, LiveMoment, LiveRule } from "./moment.ts";

/** Columns of `LiveFrame.second`, which charts are made of. */
export const secondColumns = [
  "perSecond",
  "failedPerSecond",
  "duePerSecond",
  "p50",
  "p95",
  "p99",
  "inFlight",
  "users",
  "waiting",
  "goodShare",
  "costPerSecond",
] as const;
export type SecondColumn = (typeof secondColumns)[number];

/** What charts need of one second. Kept for those who come later. */
export interface LiveTick {
  /** Ascending by one; where one is missing, something was not seen. */
  readonly seq: number;
  readonly atMs: number;
  readonly second: readonly (number | null)[];
  readonly slots: readonly number[];
  /** For each rule that allows a share: its place, what it allows, how many were bad, of how many. Absent without such rules. */
  readonly spending?: readonly SpendingRow[];
}

export type SpendingRow = readonly [rule: number, allowed: number, bad: number, total: number];

/** How things stand now: the newest is enough. Texts are numbers of the dictionary. */
export interface LiveStanding {
  readonly phase: number;
  readonly plannedMs: number | null;
  readonly iterations: readonly [done: number, planned: number] | null;
  readonly cpuShare: number | null;
  readonly lateP99Ns: number | null;
  readonly validity: "valid" | "degraded" | "invalid";
  readonly reasons: readonly string[];
  /**
   * text, state, actual, limit, unit, consumed, place among all rules, since when it is missed, whether its limit is of the
   * times drawn. The worst first, and no more than a page shows.
   */
  readonly rules: readonly (readonly [
    number,
    "held" | "missed" | "no-data",
    number | null,
    number | null,
    string | null,
    number | null,
    number,
    number | null,
    0 | 1,
  ])[];
  readonly ruleCounts: { readonly missed: number; readonly held: number; readonly all: number };
  /** name, per second, failed share, p50, p95, p99, p95 of the last second, limit, whether it is missed. */
  readonly operations: readonly (readonly [
    number,
    number,
    number | null,
    number | null,
    number | null,
    number | null,
    number | null,
    number | null,
    0 | 1,
  ])[];
  readonly operationCount: number;
  readonly errors: readonly (readonly [text: number, count: number])[];
  readonly agents?: StandingAgents;
}

/** What is known of models, tasks and tools. */
export interface StandingAgents {
  readonly tasksPerSecond: number | null;
  readonly passedShare: number | null;
  readonly stepsPerTask: number | null;
  readonly inFlight: number | null;
  readonly outputTokensPerSecond: number | null;
  readonly timeToFirstTokenP95: number | null;
  readonly tools: readonly (readonly [name: number, p95: number | null, failedShare: number | null])[];
}

/** Texts that are told once and then named by their number. */
export type LiveTexts = readonly (readonly [number, string])[];

/** What is sent every second. */
export interface LiveFrame extends LiveTick {
  readonly texts?: LiveTexts;
  readonly standing: LiveStanding;
}

/** What a viewer gets who comes anew, or who missed more than is kept. */
export interface LiveStart {
  readonly about: LiveAbout;
  readonly texts: LiveTexts;
  readonly ticks: readonly LiveTick[];
  readonly standing?: LiveStanding;
  /** By name of the operation: percentile 95 of each second of the last minute. */
  readonly recent: readonly (readonly [number, readonly (number | null)[]])[];
}

/** Operations in a frame: more would not be read every second. */
export const MOST_OPERATIONS = 28;
const MOST_RULES = 16;
const MOST_ERRORS = 6;
const MOST_TOOLS = 8;
const MOST_REASONS = 3;
const LONGEST_TEXT = 160;

/** Enough for a screen, and half the bytes. */
const short = (value: number): number => Number(value.toPrecision(4));
const known = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : short(value);
const clipped = (text: string): string =>
  text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT - 1).toWellFormed()}…`;

/** A missed rule may have nothing that could be used up, and is no less missed. */
const byTrouble = (a: LiveRule, b: LiveRule): number =>
  Number(b.state === "missed") - Number(a.state === "missed") || (b.consumed ?? 0) - (a.consumed ?? 0);

/** Turns moments into frames; keeps the dictionary of texts. */
export class FrameWriter {
  readonly #numbers = new Map<string, number>();
  #fresh: (readonly [number, string])[] = [];
  #seq = 0;

  /** Every text told so far. */
  get texts(): LiveTexts {
    return [...this.#numbers].map(([text, number]) => [number, text] as const);
  }

  frame(moment: LiveMoment): LiveFrame {
    const { progress, second, spending = [], agents } = moment;
    const values: Readonly<Record<SecondColumn, number | undefined>> = {
      perSecond: second.perSecond,
      failedPerSecond: second.failedPerSecond,
      duePerSecond: progress.duePerSecond,
      p50: second.p50,
      p95: second.p95,
      p99: second.p99,
      inFlight: progress.inFlight,
      users: progress.users,
      waiting: progress.waiting,
      goodShare: agents?.goodShare,
      costPerSecond: agents?.costPerSecond,
    };
    const standing = this.#standing(moment);
    const shown = new Set(standing.rules.map((row) => row[6]));
    const spent = spending
      .filter(({ rule }) => shown.has(rule))
      .map(({ rule, allowed, bad, total }): SpendingRow => [rule, short(allowed), bad, total]);
    const texts = this.#fresh;
    this.#fresh = [];
    return {
      seq: ++this.#seq,
      atMs: Math.round(progress.elapsedMs),
      second: secondColumns.map((column) => known(values[column])),
      slots: second.slots,
      ...(spent.length > 0 && { spending: spent }),
      ...(texts.length > 0 && { texts }),
      standing,
    };
  }

  /** Of the operations that a frame carries: what their sparklines show. */
  recent({ progress }: LiveMoment): LiveStart["recent"] {
    return progress.operations
      .slice(0, MOST_OPERATIONS)
      .map(({ name, recent }) => [this.#number(name), recent.map(known)] as const);
  }

  #standing({ progress, rules, agents }: LiveMoment): LiveStanding {
    const { phase, plannedMs, iterations, cpuShare, lateP99Ns, validity, operations, errors } = progress;
    const counted = (wanted: LiveRule["state"]): number => rules.filter(({ state }) => state === wanted).length;
    return {
      phase: this.#number(phase),
      plannedMs: plannedMs === undefined ? null : Math.round(plannedMs),
      iterations: iterations ? [iterations.done, iterations.planned] : null,
      cpuShare: known(cpuShare),
      lateP99Ns: known(lateP99Ns),
      validity: validity.state,
      reasons: validity.reasons.slice(0, MOST_REASONS).map(clipped),
      rules: rules
        .map((rule, place) => ({ ...rule, place }))
        .toSorted(byTrouble)
        .slice(0, MOST_RULES)
        .map(({ text, state, actual, limit, unit, consumed, place, missedSinceMs, isOfTimesShown }) => [
          this.#number(text),
          state,
          known(actual),
          limit ?? null,
          unit ?? null,
          known(consumed),
          place,
          missedSinceMs ?? null,
          isOfTimesShown === true ? 1 : 0,
        ]),
      ruleCounts: { missed: counted("missed"), held: counted("held"), all: rules.length },
      operations: operations
        .slice(0, MOST_OPERATIONS)
        .map(({ name, perSecond, failedShare, p50, p95, p99, recent, limit }) => [
          this.#number(name),
          short(perSecond),
          known(failedShare),
          known(p50),
          known(p95),
          known(p99),
          known(recent.at(-1)),
          limit ? this.#number(limit.text) : null,
          limit?.missed ? 1 : 0,
        ]),
      operationCount: operations.length,
      errors: errors.slice(0, MOST_ERRORS).map(({ message, count }) => [this.#number(message), count]),
      ...(agents && { agents: this.#agents(agents) }),
    };
  }

  #agents(agents: LiveAgents): StandingAgents {
    return {
      tasksPerSecond: known(agents.tasksPerSecond),
      passedShare: known(agents.passedShare),
      stepsPerTask: known(agents.stepsPerTask),
      inFlight: known(agents.inFlight),
      outputTokensPerSecond: known(agents.outputTokensPerSecond),
      timeToFirstTokenP95: known(agents.timeToFirstTokenP95),
      tools: agents.tools
        .slice(0, MOST_TOOLS)
        .map(({ name, p95, failedShare }) => [this.#number(name), known(p95), known(failedShare)] as const),
    };
  }

  #number(text: string): number {
    const written = clipped(text);
    const before = this.#numbers.get(written);
    if (before !== undefined) return before;
    const number = this.#numbers.size;
    this.#numbers.set(written, number);
    this.#fresh.push([number, written]);
    return number;
  }
}
