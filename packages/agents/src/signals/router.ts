import { signalErrors } from "./errors.ts";
import { parsePattern, type Pattern } from "./pattern.ts";
import { defaultMemo, PatternIndex } from "./pattern-index.ts";
import type { Signal } from "./signal.ts";

export interface RouteOptions {
  /** Whole, −100 … 100; greater comes first. @defaultValue 0 */
  readonly priority?: number;
  /** Further condition. Asked for every signal whose type matches, so keep it cheap. What it throws reaches the caller. */
  readonly when?: (signal: Signal) => boolean;
}

export interface Route<Target> {
  readonly pattern: string;
  readonly target: Target;
  readonly priority: number;
  /** Takes the route out of its router; false when it was out already. */
  remove(): boolean;
}

interface RouteEntry<Target> extends Route<Target> {
  readonly parsed: Pattern;
  readonly when: ((signal: Signal) => boolean) | undefined;
  readonly order: number;
}

/** Who gets one type, in order. `conditional` tells whether any route has a predicate. */
interface RoutePlan<Target> {
  readonly targets: readonly Target[];
  readonly entries: readonly RouteEntry<Target>[];
  readonly conditional: boolean;
}

/**
 * Finds the targets of a signal by its type: highest priority first, then the most specific pattern (the first word that
 * differs decides: literal before `*` before `**`), then the one added first.
 *
 * @example
 * const router = new SignalRouter<string>();
 * router.add("orders.*.created", "audit");
 * router.add("orders.**", "log", { priority: -50 });
 * router.route(signal); // ["audit", "log"] for a signal of type orders.invoice.created
 */
export class SignalRouter<Target> {
  readonly #index: PatternIndex<RouteEntry<Target>, RoutePlan<Target>>;
  #added = 0;

  /** @param memo - types whose targets are remembered */
  constructor(memo: number = defaultMemo) {
    this.#index = new PatternIndex({ plan: planOf, memo });
  }

  /** Routes in the router. */
  get size(): number {
    return this.#index.size;
  }

  /** @throws MettleError `PATTERN_INVALID`, `ROUTE_INVALID` for a priority out of range */
  add(pattern: string, target: Target, options: RouteOptions = {}): Route<Target> {
    const priority = options.priority ?? 0;
    checkPriority(priority);
    const parsed = parsePattern(pattern);
    const entry: RouteEntry<Target> = {
      pattern,
      target,
      priority,
      parsed,
      when: options.when,
      order: this.#added++,
      remove: () => this.#index.remove(parsed, entry),
    };
    this.#index.add(parsed, entry);
    return entry;
  }

  /**
   * Hot: once per signal; allocates only where a route has a predicate. The result must not be changed.
   *
   * @throws MettleError `SIGNAL_TYPE_INVALID`
   */
  route(signal: Signal): readonly Target[] {
    const plan = this.#index.find(signal.type);
    return plan.conditional ? selected(plan.entries, signal) : plan.targets;
  }
}

function planOf<Target>(entries: RouteEntry<Target>[]): RoutePlan<Target> {
  entries.sort(
    (a, b) => b.priority - a.priority || compare(b.parsed.specificity, a.parsed.specificity) || a.order - b.order,
  );
  return {
    targets: entries.map(({ target }) => target),
    entries,
    conditional: entries.some(({ when }) => when !== undefined),
  };
}

function selected<Target>(entries: readonly RouteEntry<Target>[], signal: Signal): Target[] {
  const targets: Target[] = [];
  for (const { when, target } of entries) if (when === undefined || when(signal)) targets.push(target);
  return targets;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** @throws MettleError `ROUTE_INVALID` */
export function checkPriority(priority: number): void {
  if (!Number.isInteger(priority) || priority < -100 || priority > 100) {
    throw signalErrors.create("ROUTE_INVALID", `A priority of ${priority} is not a whole number from -100 to 100.`, {
      details: { priority },
    });
  }
}
