import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BoundedCache, cacheDefaults } from "@mettle/agents";
import { type Measurement, type Profile, profiles } from "@mettle/results";
import { runBenchmarks } from "@mettle/bench";
import { suitesErrors } from "../errors.ts";
import { timeEach } from "../measure/operations.ts";
import type { Recorder, Tags } from "../measure/recorder.ts";
import type { ScenarioContext, Scenario } from "./scenario.ts";

const common = { suite: "optimizations", group: "infrastructure_benchmarks", needs: ["mettle"] } as const;

/** Beside this file in the sources and in what is built of them. */
function pairsFile(): string {
  const built = fileURLToPath(new URL("../optimizations/pairs.bench.js", import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL("../optimizations/pairs.bench.ts", import.meta.url));
}

/** Seconds for one pair; a comparison needs several processes, so that `smoke` has none. */
const secondsOfPair: Readonly<Partial<Record<Profile, number>>> = { ci: 3, full: 20, soak: 60 };

/**
 * One switch off against on, in the paired comparison of the bench: several processes, turns about, a hidden twin. The effect is
 * the median's ratio off / on with its interval; one whose interval holds 1 is said to be absent (T-18).
 */
async function comparePair(context: ScenarioContext, { title, allocation }: Pair): Promise<void> {
  const { record, profile, seconds, signal } = context;
  const { comparisons, measurements, problems } = await runBenchmarks({
    files: [pairsFile()],
    cwd: process.cwd(),
    profile,
    filter: `${title} >`,
    plan: {
      secondsPerSuite: seconds,
      minProcesses: 8,
      maxProcesses: profile === "ci" ? 10 : 60,
      memory: allocation !== undefined,
    },
    nodeFlags: process.execArgv.filter((flag) => flag.startsWith("--conditions")),
    signal,
  });
  const [problem] = problems;
  if (problem !== undefined) throw problem;
  const found = comparisons.find(({ metric }) => metric.endsWith("time"));
  if (found === undefined) throw suitesErrors.create("SCENARIO_FAILED", `No comparison of ${title} was made.`);
  const { interval, ratio, selfCheck } = found;
  const absent = interval.low <= 1 && interval.high >= 1;
  const notes = [
    ...(absent ? ["no effect is seen: the interval holds 1"] : []),
    ...(ratio > 1 && !absent ? ["slower than with the switch off"] : []),
    ...(selfCheck ? [`identical code differed by ${((selfCheck.ratio - 1) * 100).toFixed(1)} %`] : []),
  ];
  const tags = { switch: title };
  record.value("optimizations.speed-up", 1 / ratio, {
    unit: "1",
    direction: "higher",
    tags,
    notes,
    interval: { ...interval, low: 1 / interval.high, high: 1 / interval.low },
  });
  recordMedians(record, tags, measurements);
  if (allocation !== undefined) recordSaved(record, tags, measurements);
}

const stateOf = ({ tags }: Measurement): string | undefined => tags["case"]?.split(" > ").at(-1);

/** The share of the allocated bytes that the switch saves; absent when nothing was allocated without it. */
function recordSaved(record: Recorder, tags: Tags, measurements: readonly Measurement[]): void {
  const allocated = measurements.filter(({ metric }) => metric.endsWith("allocated"));
  const of = (state: string): number | undefined => allocated.find((each) => stateOf(each) === state)?.summary.mean;
  const [off, on] = [of("off"), of("on")];
  if (off === undefined || on === undefined || off <= 0) return;
  record.value("optimizations.allocation-saved", 1 - on / off, { unit: "1", direction: "higher", tags });
}

function recordMedians(record: Recorder, tags: Tags, measurements: readonly Measurement[]): void {
  for (const each of measurements) {
    const { metric, summary, unit } = each;
    const state = stateOf(each);
    if (unit !== "ns" || !metric.endsWith("time") || summary.p50 === undefined || state === undefined) continue;
    record.value("optimizations.median.time", summary.p50, { unit, direction: "lower", tags: { ...tags, state } });
  }
}

interface Pair {
  readonly title: string;
  readonly what: string;
  readonly requirement: readonly string[];
  /** Of S1's success criteria; absent: none is named for it. */
  readonly wanted?: Wanted;
  /** Whether the bytes that an operation allocates are compared as well. */
  readonly allocation?: Wanted;
  /** Of the median time with the switch on. */
  readonly limit?: Wanted;
}

interface Wanted {
  readonly threshold: string;
  readonly requirement: readonly string[];
}

const half = { threshold: "mean >= 1.5", requirement: ["S1-046"] };

const pairs: readonly Pair[] = [
  {
    title: "fast-path",
    what: "A state query: through the mailbox, or at once",
    requirement: ["S1-012", "S1-013", "S1-016"],
    wanted: half,
    limit: { threshold: "mean < 10us", requirement: ["S1-047"] },
  },
  {
    title: "monomorphic",
    what: "Envelopes of many shapes, or of one",
    requirement: ["S1-020"],
    wanted: { threshold: "mean >= 1.3", requirement: ["S1-051"] },
  },
  {
    title: "local-first",
    what: "An agent found by name: other places asked first, or last",
    requirement: ["S1-022"],
    wanted: half,
  },
  {
    title: "batching",
    what: "100 messages: one a turn, or all in one",
    requirement: ["S1-019"],
    wanted: { threshold: "mean >= 3", requirement: ["S1-050"] },
  },
  ...[64, 1024, 65_536].map(
    (size): Pair => ({
      title: `zero-copy-${size}`,
      what: `A payload of ${size} bytes: cloned, or passed by reference`,
      requirement: ["S1-014", "S1-017"],
      wanted: half,
      allocation: { threshold: "mean >= 0.8", requirement: ["S1-048"] },
    }),
  ),
  {
    title: "pooling",
    what: "An instruction: made anew, or from a pool",
    requirement: ["S1-015", "S1-018"],
    wanted: half,
    // Fewer bytes, fewer collections: what allocation saves is the collector's pressure.
    allocation: { threshold: "mean >= 0.5", requirement: ["S1-049"] },
  },
  {
    title: "combined",
    what: "Every switch off, or on: 100 messages and a reply",
    requirement: ["S1-058"],
    wanted: half,
  },
  { title: "caching", what: "A message of 8 items: validated, or known", requirement: ["S1-021"], wanted: half },
];

function scenarioOf(pair: Pair): Scenario {
  const { title, what, requirement, wanted, allocation, limit } = pair;
  const soft = (metric: string, rule: Wanted | undefined) =>
    rule === undefined ? {} : { [metric]: { ...rule, severity: "medium" } as const };
  return {
    ...common,
    id: `optimizations.${title}`,
    title: what,
    requirement: ["S1-008", "S1-023", "S1-032", "S1-034", "S1-057", ...requirement],
    seconds: secondsOfPair,
    // An effect smaller than was hoped for is told as a warning: the platform is none the worse for it.
    rules: {
      thresholds: {
        ...soft(`optimizations.speed-up{switch=${title}}`, wanted),
        ...soft(`optimizations.allocation-saved{switch=${title}}`, allocation),
        ...soft(`optimizations.median.time{switch=${title},state=on}`, limit),
      },
    },
    run: (context) => comparePair(context, pair),
  };
}

const cacheHits: Scenario = {
  ...common,
  id: "optimizations.cache-hits",
  title: "Share of lookups that a cache answers when some messages are frequent and most are rare",
  requirement: ["S1-021"],
  seconds: Object.fromEntries(profiles.map((profile) => [profile, profile === "smoke" ? 0.2 : 1])),
  rules: {
    thresholds: { "optimizations.cache.hit": { threshold: "rate >= 0.8", requirement: ["S1-052"] } },
  },
  run: async ({ record, random, seconds, signal }) => {
    const cache = new BoundedCache<number>({ ...cacheDefaults.validation, nowMs: () => performance.now() });
    // Ranks by Zipf's law over 50 000 messages, as names and requests are found to be: the cache holds 10 000.
    const weights = Array.from({ length: 50_000 }, (_, rank) => 1 / (rank + 1));
    const sums = new Float64Array(weights.length);
    weights.reduce((sum, weight, i) => (sums[i] = sum + weight), 0);
    const draw = (): number => {
      const at = random.uniform() * sums.at(-1)!;
      let [low, high] = [0, sums.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[middle]! < at) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    const look = (key: string): void => {
      if (cache.lookup(key) === undefined) cache.set(key, 1);
    };
    // A cache that is still filling says nothing of what it answers later.
    for (let i = 0; i < 100_000; i++) look(`message-${draw()}`);
    const before = cache.statistics;
    await timeEach(
      record.operation("optimizations.cache.time"),
      { atMost: 200_000, atLeast: 20_000, seconds },
      { before: () => `message-${draw()}`, run: look },
      signal,
    );
    const hits = cache.statistics.hits - before.hits;
    record.rate("optimizations.cache.hit", hits, hits + cache.statistics.misses - before.misses);
  },
};

/** S1: each optimization off and on. */
export const optimizationScenarios: readonly Scenario[] = [...pairs.map(scenarioOf), cacheHits];
