import { type Clock, systemClock } from "@mettle/core";
import { problemsOfLimits, type RestartLimits, restartDefaults } from "../supervision/restart-window.ts";
import { type Switches, resolveSwitches } from "../switches/switches.ts";
import type { BusOptions } from "../bus/bus-options.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { cpuTimeOn } from "./cpu-time.ts";
import { agentErrors } from "./errors.ts";

export interface RuntimeOptions {
  /** @defaultValue the system's */
  readonly clock?: Clock;
  readonly switches?: Partial<Switches>;
  /** Messages that may wait for one agent; one more is AGENT_MAILBOX_FULL. @defaultValue 10 000 */
  readonly mailboxLimit?: number;
  /** How long `ask` waits unless it says otherwise, in ms. @defaultValue 5000 */
  readonly askTimeoutMs?: number;
  /** Most messages an agent handles before the next one's turn. @defaultValue 64 */
  readonly batch?: number;
  /** Agents alive at once, in all threads together; one more is AGENT_CEILING_REACHED. @defaultValue 1 000 000 */
  readonly maxAgents?: number;
  /** New agents are refused while more than this share of the heap limit is in use. @defaultValue 0.9 */
  readonly maxHeapShare?: number;
  /** A handler that computes longer three times within a second makes its agent greedy. CPU ms. @defaultValue 5 */
  readonly handlerBudgetMs?: number;
  /**
   * CPU nanoseconds that this thread has used, for `handlerBudgetMs`.
   * @defaultValue `process.threadCpuUsage` where there is one and the clock is the system's; otherwise the clock
   */
  readonly cpuTime?: () => number;
  /** Accounted bytes of state and mailbox of one agent. @defaultValue 52 428 800 */
  readonly memoryLimitBytes?: number;
  /** How often the memory of agents that handled messages since is accounted, in ms. @defaultValue 30 000 */
  readonly memoryCheckMs?: number;
  /**
   * Collects garbage when an agent comes near its limit, once a check at most, so that what is told of it is what it keeps.
   * @defaultValue `gc` of the process when it runs with --expose-gc; otherwise nothing is forced
   */
  readonly collect?: (() => void) | undefined;
  /** Dead letters kept; all are counted. @defaultValue 1000 */
  readonly maxDeadLetters?: number;
  /** Limits on restarts of agents that no supervisor of your own watches. */
  readonly restarts?: Partial<RestartLimits>;
  /** Of the runtime's bus: its log, its limits. */
  readonly bus?: Omit<BusOptions, "clock" | "wheel">;
  /** @defaultValue one of the runtime's own, on its clock */
  readonly telemetry?: Telemetry;
  /** Threads. @defaultValue none are started */
  readonly shards?: ShardOptions;
}

export interface ShardOptions {
  /** Worker threads for `placement: "any"`, started when first needed. @defaultValue one less than the cores */
  readonly workers?: number;
  /** A thread that has not answered for so long is ended and started again, in ms. @defaultValue 2000 */
  readonly stuckAfterMs?: number;
  /** Messages under way to one thread; one more is AGENT_MAILBOX_FULL. @defaultValue 100 000 */
  readonly maxInFlight?: number;
  /** Greedy agents move to a thread of their own when their definition allows. @defaultValue true */
  readonly moveGreedy?: boolean;
}

export interface ResolvedOptions
  extends Required<Omit<RuntimeOptions, "bus" | "telemetry" | "shards" | "restarts" | "collect">> {
  readonly collect: (() => void) | undefined;
  readonly switches: Switches;
  readonly restarts: RestartLimits;
  readonly shards: Required<ShardOptions>;
}

export const runtimeDefaults = {
  mailboxLimit: 10_000,
  askTimeoutMs: 5000,
  batch: 64,
  maxAgents: 1_000_000,
  maxHeapShare: 0.9,
  handlerBudgetMs: 5,
  memoryLimitBytes: 52_428_800,
  memoryCheckMs: 30_000,
  maxDeadLetters: 1000,
} as const;

/**
 * Every option with its value.
 * @throws AGENT_OPTIONS_INVALID naming every problem
 */
export function resolveOptions(given: RuntimeOptions, cores: number): ResolvedOptions {
  const { restarts, shards, switches, bus: _bus, telemetry: _telemetry, clock, cpuTime, ...rest } = given;
  const resolved: ResolvedOptions = {
    ...runtimeDefaults,
    ...rest,
    clock: clock ?? systemClock,
    cpuTime: cpuTime ?? cpuTimeOn(clock ?? systemClock),
    collect: "collect" in given ? given.collect : globalThis.gc && (() => globalThis.gc?.()),
    switches: resolveSwitches(switches),
    restarts: { ...restartDefaults, ...restarts },
    shards: { workers: Math.max(1, cores - 1), stuckAfterMs: 2000, maxInFlight: 100_000, moveGreedy: true, ...shards },
  };
  const problems = [...problemsOf(resolved), ...problemsOfLimits(resolved.restarts)];
  if (problems.length === 0) return resolved;
  throw agentErrors.create("AGENT_OPTIONS_INVALID", `Runtime options: ${problems.join("; ")}.`, {
    details: { problems },
  });
}

function problemsOf(options: ResolvedOptions): string[] {
  const { shards } = options;
  const whole = { mailboxLimit: options.mailboxLimit, batch: options.batch, maxAgents: options.maxAgents };
  const positive = {
    ...whole,
    askTimeoutMs: options.askTimeoutMs,
    maxHeapShare: options.maxHeapShare,
    handlerBudgetMs: options.handlerBudgetMs,
    memoryLimitBytes: options.memoryLimitBytes,
    memoryCheckMs: options.memoryCheckMs,
    "shards.stuckAfterMs": shards.stuckAfterMs,
    "shards.maxInFlight": shards.maxInFlight,
  };
  const problems: string[] = [];
  for (const [name, value] of Object.entries(positive)) {
    if (!(value > 0)) problems.push(`${name} must be more than 0, got ${value}`);
  }
  for (const [name, value] of Object.entries({
    ...whole,
    maxDeadLetters: options.maxDeadLetters,
    "shards.workers": shards.workers,
  })) {
    if (!Number.isInteger(value) || value < 0) problems.push(`${name} must be a whole number, got ${value}`);
  }
  return problems;
}
