import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, within } from "../coordination/check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";

/** What an agent could use. */
export interface ResourceRequest {
  readonly agent: string;
  /** Units it could use, over 0. */
  readonly amount: number;
  /** What having all of them is worth, 0 or more. A part is worth its share, unless indivisible. */
  readonly value: number;
  /** All or nothing. @defaultValue false */
  readonly indivisible?: boolean;
}

export interface Allocation {
  /** Units for each request, in its order. */
  readonly granted: readonly number[];
  readonly value: number;
  /** Whether no other division is worth more. */
  readonly exact: boolean;
  /** No division is worth more than this. */
  readonly bound: number;
}

/** Table cells up to which indivisible requests are solved exactly: some tens of milliseconds. */
const EXACT_CELLS = 5_000_000;

/**
 * Divides `capacity` units so that the value is largest. Divisible requests: exact, by value per unit. Indivisible ones:
 * exact by dynamic programming for whole amounts (requests × capacity up to 5 million), otherwise by value per unit with
 * the bound of the divisible problem.
 *
 * @throws MettleError `OPTIONS_INVALID`; also for indivisible and divisible requests mixed
 */
export function computeOptimalAllocation(capacity: number, requests: readonly ResourceRequest[]): Allocation {
  const indivisible = requests.filter((request) => request.indivisible === true).length;
  refuseProblems("Allocation", [
    ...within("capacity", capacity, 0, Number.MAX_VALUE),
    ...requests.flatMap(problemsOf),
    ...(indivisible > 0 && indivisible < requests.length ? ["requests are either all divisible or none is"] : []),
  ]);
  const divided = byDensity(capacity, requests, false);
  if (indivisible === 0) return { ...divided, exact: true, bound: divided.value };
  const whole = Number.isSafeInteger(capacity) && requests.every(({ amount }) => Number.isSafeInteger(amount));
  if (whole && requests.length * (capacity + 1) <= EXACT_CELLS) return knapsack(capacity, requests);
  const filled = byDensity(capacity, requests, true);
  // Greedy alone can be arbitrarily bad where one large request is worth most; the better of both is at least half the best.
  let largest = -1;
  for (const [i, { amount, value }] of requests.entries()) {
    if (amount <= capacity && value > (requests[largest]?.value ?? 0)) largest = i;
  }
  const alone = requests[largest];
  const better =
    alone !== undefined && alone.value > filled.value
      ? { granted: requests.map((request) => (request === alone ? request.amount : 0)), value: alone.value }
      : filled;
  return { ...better, exact: better.value >= divided.value, bound: divided.value };
}

/** Strict about types: what agents answer comes from outside. */
function problemsOf({ agent, amount, value }: ResourceRequest): string[] {
  return [
    ...(Number.isFinite(amount) && amount > 0 ? [] : [`${agent} asks for ${String(amount)} units`]),
    ...(Number.isFinite(value) && value >= 0 ? [] : [`${agent} says that they are worth ${String(value)}`]),
  ];
}

function byDensity(capacity: number, requests: readonly ResourceRequest[], whole: boolean) {
  const granted = requests.map(() => 0);
  const order = requests.map((_, i) => i);
  order.sort((a, b) => requests[b]!.value / requests[b]!.amount - requests[a]!.value / requests[a]!.amount);
  let left = capacity;
  let value = 0;
  for (const i of order) {
    const request = requests[i]!;
    if (whole && request.amount > left) continue;
    const units = Math.min(left, request.amount);
    granted[i] = units;
    left -= units;
    value += units === request.amount ? request.value : (request.value * units) / request.amount; // exactly all of it
  }
  return { granted, value };
}

/** 0/1 knapsack: `best[c]` with the requests so far, and for each request where it was taken. */
function knapsack(capacity: number, requests: readonly ResourceRequest[]): Allocation {
  const best = new Float64Array(capacity + 1);
  const taken = requests.map(() => new Uint8Array(capacity + 1));
  for (const [i, { amount, value }] of requests.entries()) {
    const row = taken[i]!;
    for (let c = capacity; c >= amount; c--) {
      const withIt = best[c - amount]! + value;
      if (withIt <= best[c]!) continue;
      best[c] = withIt;
      row[c] = 1;
    }
  }
  const granted = requests.map(() => 0);
  let left = capacity;
  for (let i = requests.length - 1; i >= 0; i--) {
    if (taken[i]![left] === 0) continue;
    granted[i] = requests[i]!.amount;
    left -= requests[i]!.amount;
  }
  return { granted, value: best[capacity]!, exact: true, bound: best[capacity]! };
}

/**
 * Divides `capacity` fairly: everyone gets what it asks for up to the same ceiling (max–min fairness); what small requests
 * leave goes to the larger ones.
 */
export function fairAllocation(capacity: number, amounts: readonly number[]): number[] {
  refuseProblems("Allocation", [
    ...within("capacity", capacity, 0, Number.MAX_VALUE),
    ...amounts.flatMap((amount, i) => within(`amount ${i}`, amount, 0, Number.MAX_VALUE)),
  ]);
  const granted = amounts.map(() => 0);
  const order = amounts.map((_, i) => i).sort((a, b) => amounts[a]! - amounts[b]!);
  let left = capacity;
  for (const [rank, i] of order.entries()) {
    const share = Math.min(amounts[i]!, left / (order.length - rank));
    granted[i] = share;
    left -= share;
  }
  return granted;
}

export interface GatherOptions {
  readonly agents: readonly string[];
  /** Asks one agent; it answers at once or later, with nothing when it needs nothing. */
  readonly ask: (agent: string, answer: (request: Omit<ResourceRequest, "agent"> | undefined) => void) => void;
  readonly timers: Timers;
  /** @defaultValue 5 s */
  readonly deadline?: Milliseconds;
}

export interface GatheredAllocation extends Allocation {
  readonly requests: readonly ResourceRequest[];
  /** Agents who did not answer in time; they get nothing. */
  readonly silent: readonly string[];
  /** Agents whose answer made no sense, or was of another kind than most; they get nothing. */
  readonly invalid: readonly { readonly agent: string; readonly problems: readonly string[] }[];
}

/**
 * Asks all agents at once, waits for all answers or the deadline, and divides. An invalid answer costs nobody but its agent;
 * where some requests are indivisible and others are not, the more numerous kind counts, divisible ones when they are equal.
 * Rejects when `ask` throws, or `capacity` is no amount.
 */
export function allocateResources(capacity: number, options: GatherOptions): Promise<GatheredAllocation> {
  const { agents, ask, timers, deadline = ms(5000) } = options;
  return new Promise((resolve, reject) => {
    const answers: (ResourceRequest | undefined)[] = agents.map(() => undefined);
    const waiting = new Set(agents.keys());
    const end = (): void => {
      timer.cancel();
      const silent = [...waiting].map((i) => agents[i]!);
      waiting.clear();
      const { requests, invalid } = sorted(answers.filter((request) => request !== undefined));
      try {
        resolve({ ...computeOptimalAllocation(capacity, requests), requests, silent, invalid });
      } catch (error) {
        reject(error);
      }
    };
    const timer: Timer = timers.after(deadline, end);
    try {
      for (const [i, agent] of agents.entries()) {
        ask(agent, (request) => {
          if (!waiting.delete(i)) return;
          if (request !== undefined) answers[i] = { ...request, agent };
          if (waiting.size === 0) end();
        });
      }
    } catch (error) {
      timer.cancel();
      waiting.clear();
      reject(error);
    }
    if (agents.length === 0) end();
  });
}

/** The requests that can be divided together, and those that cannot. */
function sorted(answers: readonly ResourceRequest[]): Pick<GatheredAllocation, "requests" | "invalid"> {
  const invalid = answers
    .map((answer) => ({ agent: answer.agent, problems: problemsOf(answer) }))
    .filter(({ problems }) => problems.length > 0);
  const sound = answers.filter((answer) => problemsOf(answer).length === 0);
  const indivisible = sound.filter((request) => request.indivisible === true).length > sound.length / 2;
  const isOfKind = (request: ResourceRequest): boolean => (request.indivisible === true) === indivisible;
  const problems = ["requests are either all divisible or none is; this one differs from the others"];
  for (const request of sound) if (!isOfKind(request)) invalid.push({ agent: request.agent, problems });
  return { requests: sound.filter(isOfKind), invalid };
}
