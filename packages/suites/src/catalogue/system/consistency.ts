import { createHash } from "node:crypto";
import { createRuntime, defineAction, defineAgent, directives, type Runtime } from "@mettle/agents";
import { ManualClock, ms, Random } from "@mettle/core";
import { nowNs, nextTurn } from "../../measure/time.ts";
import { type Scenario, timesOf } from "../scenario.ts";

const common = { suite: "system", group: "infrastructure_benchmarks" } as const;

interface Ledger {
  readonly entries: readonly number[];
}

/** Notes, tells a neighbour, fails at times, does again later: everything whose order could differ. */
const clerk = defineAgent({
  name: "clerk",
  state: (): Ledger => ({ entries: [] }),
  onFailure: "resume",
  actions: {
    enter: defineAction({
      run: ({ entries }: Ledger, entry: number) => {
        if (entry % 13 === 0) throw new Error("unlucky");
        const next = { entries: [...entries, entry] };
        if (entry % 7 === 0) {
          const again = directives.schedule(
            `later-${entry}`,
            { afterMs: entry % 50 },
            { type: "enter", data: entry + 1 },
          );
          return { state: next, directives: [again] };
        }
        const passed = directives.send(`clerk-${entry % 5}`, { type: "enter", data: entry * 2 + 1 });
        return entry < 500 && entry % 3 === 0 ? { state: next, directives: [passed] } : { state: next };
      },
    }),
    entries: defineAction({ mode: "read", run: ({ entries }: Ledger) => ({ reply: entries }) }),
  },
});

/** What came of a seeded hour of work, as one text: every agent's entries in order, every failure. */
async function workedThrough(seed: number, create: (clock: ManualClock) => Runtime): Promise<string> {
  const [random, clock] = [new Random(seed), new ManualClock()];
  await using runtime = create(clock);
  const failures: string[] = [];
  runtime.observe((event) => {
    if (event.kind === "agent-failed") failures.push(event.agent);
  });
  const clerks = Array.from({ length: 5 }, (_, i) => runtime.spawn(clerk, { name: `clerk-${i}` }));
  for (let step = 0; step < 40; step++) {
    clerks[random.below(clerks.length)]!.send({ type: "enter", data: random.below(1000) });
    if (step % 4 === 0) await clock.advance(ms(random.below(20)));
  }
  await clock.advance(ms(1000));
  const entries: unknown[] = [];
  for (const each of clerks) entries.push(await each.ask({ type: "entries" }));
  return createHash("sha256").update(JSON.stringify({ entries, failures })).digest("hex");
}

/** What it comes to on any runtime; exported, so that one that is not repeatable can be shown to be caught. */
export async function repeats(
  { seconds, random, signal }: { readonly seconds: number; readonly random: Random; readonly signal: AbortSignal },
  create: (clock: ManualClock) => Runtime = (clock) => createRuntime({ clock }),
): Promise<{ readonly same: number; readonly tried: number; readonly different: number }> {
  const end = nowNs() + seconds * 1e9;
  const digests = new Set<string>();
  let same = 0;
  let tried = 0;
  while (tried < 5 || (nowNs() < end && tried < 500)) {
    signal.throwIfAborted();
    const seed = random.below(1_000_000);
    const first = await workedThrough(seed, create);
    digests.add(first);
    tried += 1;
    if ((await workedThrough(seed, create)) === first) same += 1;
  }
  return { same, tried, different: digests.size };
}

const consistency: Scenario = {
  ...common,
  id: "system.consistency",
  title: "The same seeded work twice: messages, failures, retries and schedules end in the same state",
  requirement: ["S2-145"],
  needs: ["mettle"],
  seconds: timesOf(1),
  rules: {
    thresholds: {
      "system.consistency.same": { threshold: "rate == 1", severity: "critical", requirement: ["S2-145"] },
      // Different seeds must end differently, or nothing was compared.
      "system.consistency.told-apart": { threshold: "rate > 0.9", requirement: ["S2-145"] },
    },
  },
  run: async ({ record, random, seconds, signal }) => {
    const { same, tried, different } = await repeats({ seconds, random, signal });
    record.rate("system.consistency.same", same, tried);
    record.rate("system.consistency.told-apart", different, tried);
  },
};

/** Signals that one check waits for. */
const signalsPerCheck = 20;
/** The rest that a check of the traditional kind gives the system: five times the mean delay. */
const restMs = 5;
const meanDelayMs = 1;

/**
 * A test of a system whose signals take their time, in both ways: one rests for a while and looks, the other waits for what
 * it expects. A check is wrong when it does not see what certainly comes.
 */
const flakiness: Scenario = {
  ...common,
  id: "system.flakiness",
  title: "Checks that rest and look, beside checks that wait for what they expect: how many are wrong",
  requirement: ["S3-089"],
  needs: ["mettle"],
  seconds: timesOf(1),
  rules: {
    thresholds: {
      "system.flakiness.resting": { threshold: "rate > 0", requirement: ["S3-089"] },
      "system.flakiness.waiting": { threshold: "rate == 0", requirement: ["S3-089"] },
      "system.flakiness.reduction": { threshold: "value >= 0.95", requirement: ["S3-089"] },
    },
  },
  run: async ({ record, random, seconds, signal }) => {
    const end = nowNs() + seconds * 1e9;
    const wrong = { resting: 0, waiting: 0 };
    let tried = 0;
    while (tried < 40 || (nowNs() < end && tried < 2000)) {
      signal.throwIfAborted();
      // The same delays for both: what differs is the way to wait.
      const delays = Array.from({ length: signalsPerCheck }, () => -meanDelayMs * Math.log(1 - random.uniform()));
      tried += 1;
      if (!(await checked(delays, "resting"))) wrong.resting += 1;
      if (!(await checked(delays, "waiting"))) wrong.waiting += 1;
      if ((tried & 15) === 0) await nextTurn();
    }
    for (const way of ["resting", "waiting"] as const) {
      record.rate(`system.flakiness.${way}`, wrong[way], tried, { direction: "lower" });
    }
    // Without a wrong check of the traditional kind there is nothing to be better than: absent.
    if (wrong.resting > 0) {
      record.value("system.flakiness.reduction", 1 - wrong.waiting / wrong.resting, {
        unit: "1",
        direction: "higher",
        notes: [`checks rest ${restMs} ms; ${signalsPerCheck} signals come after ${meanDelayMs} ms each on average`],
      });
    }
  },
};

/** Whether a check saw all signals, sent after their delays in simulated time. */
async function checked(delays: readonly number[], way: "resting" | "waiting"): Promise<boolean> {
  const clock = new ManualClock();
  await using runtime = createRuntime({ clock });
  let heard = 0;
  let allHeard: () => void = () => undefined;
  const expected = new Promise<void>((resolve) => {
    allHeard = resolve;
  });
  runtime.bus.subscribe("work.done", () => {
    heard += 1;
    if (heard === delays.length) allHeard();
  });
  for (const delay of delays) runtime.timers.after(ms(delay), () => void runtime.bus.emit("work.done", "system", {}));
  if (way === "resting") {
    await clock.advance(ms(restMs));
    return heard === delays.length;
  }
  // The longest wait is that of a check which fails; the others end with the last signal.
  await Promise.all([expected, clock.advance(ms(60_000))]);
  return heard === delays.length;
}

/** What S2 and S3 promise of tests: that they come to the same result each time. */
export const consistencyScenarios: readonly Scenario[] = [consistency, flakiness];
