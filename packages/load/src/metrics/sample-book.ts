type Tags = Readonly<Record<string, string>>;

/** One of the slowest samples of an operation and where its time went, in ms. Plain data: it crosses threads. */
export interface SlowSample {
  /** When it was due, on the clock of the times. */
  readonly at: number;
  readonly value: number;
  /** What came after what; adds up to the value. */
  readonly phases: readonly (readonly [name: string, ms: number])[];
  /** What it was: method, address, outcome. */
  readonly label: string;
}

/** Failures of one kind, and the first of them. */
interface FailureKind {
  readonly kind: string;
  readonly count: number;
  readonly at: number;
  readonly label: string;
}

/** Of one operation: a scenario's requests of one name. */
export interface OperationSamples {
  readonly scenario: string;
  readonly name: string;
  readonly slow: readonly SlowSample[];
  readonly failures: readonly FailureKind[];
}

/** Slowest kept of an operation. */
const MOST_SLOW = 5;
/** Kinds of failure told apart; what comes after them is one more kind. */
const MOST_KINDS = 20;
/** Operations that have a page: as many as metrics are told apart into. */
const MOST_OPERATIONS = 64;
const LONGEST_LABEL = 300;
export const OTHER_KINDS = "other kinds";

const clipped = (text: string): string =>
  text.length <= LONGEST_LABEL ? text : `${text.slice(0, LONGEST_LABEL - 1).toWellFormed()}…`;

/** A counter that its owner may hold on to: counting then looks nothing up. */
export interface FailureCounter {
  count: number;
}

interface OpenFailure extends FailureCounter {
  readonly at: number;
  readonly label: string;
}

class Operation {
  readonly scenario: string;
  readonly name: string;
  /** Ascending. */
  slow: SlowSample[] = [];
  /** Of these, what was taken before. */
  told: ReadonlySet<SlowSample> = new Set();
  readonly failures = new Map<string, OpenFailure>();

  constructor(scenario: string, name: string) {
    this.scenario = scenario;
    this.name = name;
  }

  /** @returns what a sample must exceed to be kept from now on */
  keep(sample: SlowSample): number {
    const at = this.slow.findIndex(({ value }) => value >= sample.value);
    this.slow.splice(at < 0 ? this.slow.length : at, 0, sample);
    if (this.slow.length > MOST_SLOW) this.slow.shift();
    return this.slow.length < MOST_SLOW ? Number.NEGATIVE_INFINITY : (this.slow[0]?.value ?? Number.NEGATIVE_INFINITY);
  }

  failure(kind: string, at: number, label: string): OpenFailure {
    const known = this.failures.get(kind);
    if (known) return known;
    if (this.failures.size >= MOST_KINDS && kind !== OTHER_KINDS) return this.failure(OTHER_KINDS, at, label);
    const made = { count: 0, at, label };
    this.failures.set(kind, made);
    return made;
  }
}

const keyOf = (scenario: string, name: string): string => `${scenario}\u0000${name}`;

/**
 * The slowest samples and the kinds of failure of each operation, bounded however many there are. A worker has one, and the
 * main thread has one that all are merged into. Not hot: callers come only with what is slower than all that is kept, and
 * hold on to the counters of failures.
 */
export class SampleBook {
  readonly #operations = new Map<string, Operation>();

  /** @returns what a sample of this operation must exceed to be kept from now on, in ms; Infinity: nothing is kept */
  slow(tags: Tags, sample: SlowSample): number {
    return this.#operation(tags)?.keep({ ...sample, label: clipped(sample.label) }) ?? Number.POSITIVE_INFINITY;
  }

  /** The counter of a kind of failure; undefined where no more operations are kept. It does not count this one yet. */
  failure(tags: Tags, kind: string, at: number, label: string): FailureCounter | undefined {
    return this.#operation(tags)?.failure(clipped(kind), at, clipped(label));
  }

  /** Takes in what `take` gave elsewhere. */
  merge(all: readonly OperationSamples[]): void {
    for (const { scenario, name, slow, failures } of all) {
      const operation = this.#operation({ scenario, name });
      if (!operation) continue;
      for (const sample of slow) operation.keep(sample);
      for (const { kind, count, at, label } of failures) operation.failure(kind, at, label).count += count;
    }
  }

  /**
   * What came since the last time: fails are counted anew, while the slowest stay, so that only slower ones follow.
   *
   * @param toRun - from the clock of the times to ms since the start of the run
   */
  take(toRun: (at: number) => number): readonly OperationSamples[] {
    const all = this.entries(toRun);
    for (const operation of this.#operations.values()) {
      operation.told = new Set(operation.slow);
      for (const failure of operation.failures.values()) failure.count = 0;
    }
    return all;
  }

  /** Everything kept and not told yet, the slowest first, the most frequent failures first. */
  entries(toRun: (at: number) => number = (at) => at): readonly OperationSamples[] {
    return [...this.#operations.values()].flatMap(({ scenario, name, slow, told, failures }): OperationSamples[] => {
      const fresh = slow.filter((sample) => !told.has(sample));
      const counted = [...failures].filter(([, { count }]) => count > 0);
      if (fresh.length + counted.length === 0) return [];
      return [
        {
          scenario,
          name,
          slow: fresh.toReversed().map((sample) => ({ ...sample, at: toRun(sample.at) })),
          failures: counted
            .map(([kind, { count, at, label }]) => ({ kind, count, at: toRun(at), label }))
            .toSorted((a, b) => b.count - a.count),
        },
      ];
    });
  }

  #operation({ scenario = "", name = "" }: Tags): Operation | undefined {
    const key = keyOf(scenario, name);
    const known = this.#operations.get(key);
    if (known || this.#operations.size >= MOST_OPERATIONS) return known;
    const made = new Operation(scenario, name);
    this.#operations.set(key, made);
    return made;
  }
}
