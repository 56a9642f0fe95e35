import { contest } from "../../measure/contest.ts";
import { timeEach } from "../../measure/operations.ts";
import { until } from "../../measure/until.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";
import { countingSubscribers, eventType, publishMany } from "./subscribers.ts";

const common = { suite: "events", group: "infrastructure_benchmarks" } as const;

/** So many patterns over a tree of types: exact ones, one in three with `*`, one in three with `**`. */
function patternsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const domain = `domain${i % 40}`;
    if (i % 3 === 0) return `${domain}.entity${i}.created`;
    return i % 3 === 1 ? `${domain}.entity${i}.*` : `${domain}.entity${i}.**`;
  });
}

/** The usual way to match patterns: an expression for each, all tried for each event. */
class ExpressionList {
  readonly #routes: { readonly expression: RegExp; readonly handler: () => void }[] = [];

  subscribe(pattern: string, handler: () => void): void {
    const parts = pattern.split(".").map((part) => (part === "**" ? ".*" : part === "*" ? "[^.]+" : part));
    this.#routes.push({ expression: new RegExp(`^${parts.join("\\.")}$`), handler });
  }

  publish(type: string): void {
    for (const { expression, handler } of this.#routes) if (expression.test(type)) handler();
  }
}

const patterns: Scenario = {
  ...common,
  id: "events.patterns",
  needs: ["signals", "patterns"],
  title: "Matching events against 10, 100 and 1 000 patterns, beside a list of expressions",
  requirement: ["S2-093"],
  seconds: timesBeyondSmoke(2.4),
  rules: {
    thresholds: {
      "events.patterns.correct": { threshold: "rate == 1", severity: "critical", requirement: ["S2-093"] },
      "events.patterns.time{way:platform,patterns:1000}": { threshold: "p(95) < 5ms", requirement: ["S2-036"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    for (const count of [10, 100, 1000]) {
      const platform = await open();
      const list = new ExpressionList();
      const received = { platform: 0, list: 0 };
      for (const pattern of patternsOf(count)) {
        list.subscribe(pattern, () => void (received.list += 1));
        await platform.signals!.subscribe(pattern, () => void (received.platform += 1));
      }
      // The same types for both, so that the list's count is the other's oracle. Every other one is a segment too long for
      // all patterns but those with `**`.
      const types = Array.from({ length: 50 }, (_, n) => {
        const i = random.below(count);
        return `domain${i % 40}.entity${i}.created${n % 2 === 0 ? "" : ".again"}`;
      });
      let works = { platform: 0, list: 0 };
      await contest(record, {
        metric: "events.patterns",
        tags: { patterns: String(count) },
        operations: types.length,
        seconds: seconds / 3,
        random,
        signal,
        traditional: {
          name: "expression-list",
          run: () => {
            works = { ...works, list: works.list + 1 };
            for (const type of types) list.publish(type);
          },
        },
        ours: {
          name: "platform",
          run: async () => {
            works = { ...works, platform: works.platform + 1 };
            for (const type of types) await platform.signals!.publish(type, 1);
            await platform.signals!.delivered();
          },
        },
      });
      const expected = (received.list / works.list) * works.platform;
      record.rate("events.patterns.correct", Math.min(received.platform, 2 * expected - received.platform), expected, {
        tags: { patterns: String(count) },
      });
    }
  },
};

const filtering: Scenario = {
  ...common,
  id: "events.filtering",
  needs: ["signals", "filters"],
  title: "100 subscribers that want one event in 100 each, by filter and by handlers that look",
  requirement: ["S2-094"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "events.filtering.correct": { threshold: "rate == 1", severity: "critical", requirement: ["S2-094"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const [filtered, looking] = [await open(), await open()];
    const counting = await countingSubscribers(filtered, 100, eventType, (i) => (data) => data === i);
    let looked = 0;
    for (let i = 0; i < 100; i++) {
      await looking.signals!.subscribe(eventType, (data) => {
        if (data === i) looked += 1;
      });
    }
    let works = 0;
    await contest(record, {
      metric: "events.filtering",
      operations: 100,
      seconds,
      random,
      signal,
      traditional: { name: "in-the-handler", run: () => publishMany(looking, 100) },
      ours: {
        name: "filter",
        run: () => {
          works += 1;
          return publishMany(filtered, 100);
        },
      },
    });
    // Of 100 events each is wanted by one; the handlers that look ran as often and found as many.
    const wrong = Math.abs(counting.received() - works * 100) + Math.abs(looked - works * 100);
    record.rate("events.filtering.correct", Math.max(0, works * 200 - wrong), works * 200);
  },
};

/** How long a subscriber takes that must work off its events in order though it awaits something for each. */
const ordering: Scenario = {
  ...common,
  id: "events.ordering",
  needs: ["signals"],
  title: "What keeping order costs a subscriber that awaits, beside one that takes all at once",
  requirement: ["S2-091"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: { "events.ordering.in-order": { threshold: "rate == 1", severity: "high", requirement: ["S2-091"] } },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const [ordered, unordered] = [await open(), await open()];
    const size = 200;
    const finished = { ordered: [] as number[], unordered: 0 };
    // Every other event takes a microtask longer, so that whoever does not wait overtakes.
    const work = async (index: number): Promise<void> => {
      await Promise.resolve();
      if (index % 2 === 0) await Promise.resolve();
    };
    await ordered.signals!.subscribe(eventType, async (index) => {
      await work(index as number);
      finished.ordered.push(index as number);
    });
    await unordered.signals!.subscribe(eventType, (index) => {
      void work(index as number).then(() => (finished.unordered += 1));
    });
    let inOrder = 0;
    let works = 0;
    await contest(record, {
      metric: "events.ordering",
      ratio: "overhead",
      operations: size,
      seconds,
      random,
      signal,
      // Both ways end when all the subscriber's work has ended, and not merely when it was told.
      traditional: {
        name: "all-at-once",
        run: async () => {
          finished.unordered = 0;
          await publishMany(unordered, size);
          await until(() => finished.unordered >= size, 5000);
        },
      },
      ours: {
        name: "one-after-the-other",
        run: async () => {
          finished.ordered = [];
          await publishMany(ordered, size);
          await until(() => finished.ordered.length >= size, 5000);
          works += 1;
          if (finished.ordered.every((index, place) => index === place)) inOrder += 1;
        },
      },
    });
    record.rate("events.ordering.in-order", inOrder, works);
  },
};

const churn: Scenario = {
  ...common,
  id: "events.subscriber-cleanup",
  needs: ["signals"],
  title: "Subscribers that come and go beside 100 that stay",
  requirement: ["S2-095"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "events.unsubscribed.silent": { threshold: "rate == 1", severity: "critical", requirement: ["S2-095"] },
      "events.unsubscribe.time": { threshold: "p(95) < 1ms", requirement: ["S2-095"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const [calm, busy] = [await open(), await open()];
    await countingSubscribers(calm, 100);
    const staying = await countingSubscribers(busy, 100);
    const unsubscribing = record.operation("events.unsubscribe.time");
    let expected = 0;
    await contest(record, {
      metric: "events.subscriber-cleanup",
      ratio: "overhead",
      operations: 20,
      seconds: seconds / 2,
      random,
      signal,
      traditional: { name: "calm", run: () => publishMany(calm, 20) },
      ours: {
        name: "coming-and-going",
        run: async () => {
          const passing = await countingSubscribers(busy, 20);
          expected += 20 * 100;
          await publishMany(busy, 20);
          await passing.end();
        },
      },
    });
    let silent = 0;
    let tried = 0;
    await timeEach(
      unsubscribing,
      { atMost: 2000, atLeast: 50, seconds: seconds / 2 },
      {
        before: () => countingSubscribers(busy, 1),
        run: (leaving) => leaving.end(),
        after: async (leaving) => {
          expected += 100;
          tried += 1;
          await publishMany(busy, 1);
          if (leaving.received() === 0) silent += 1;
        },
      },
      signal,
    );
    const others = staying.received() === expected ? 1 : 0;
    record.rate("events.unsubscribed.silent", silent * others, tried);
  },
};

export const matchingScenarios: readonly Scenario[] = [patterns, filtering, ordering, churn];
