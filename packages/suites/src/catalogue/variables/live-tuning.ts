import { createHash } from "node:crypto";
import { ChoiceKind, createRuntime, spawnVariable } from "@mettle/agents";
import { Random } from "@mettle/core";
import { nowNs } from "../../measure/time.ts";
import { type Scenario, timesOf } from "../scenario.ts";

const sizes = [1, 4, 16, 64, 256] as const;
/** From here on a batch costs less than a third of what its items would cost one by one. */
const goodFrom = 16;
/** Items of a round, in batches of the present size. */
const itemsOfRound = 256;

/** What every batch costs, whatever is in it, and what each item costs. */
const perBatch = Buffer.alloc(32_768, 1);
const perItem = Buffer.alloc(64, 2);

/** Does a round and says how long it took, ns: what the variable learns from is measured, not computed. */
function round(size: number): number {
  const start = nowNs();
  for (let done = 0; done < itemsOfRound; done += size) {
    const hash = createHash("sha256").update(perBatch);
    for (let i = 0; i < size; i++) hash.update(perItem);
    hash.digest();
  }
  return Math.max(1, nowNs() - start);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** A running system that measures itself and sets its own batch size by what it measures. */
const liveTuning: Scenario = {
  suite: "variables",
  group: "cognitive_variables_benchmarks",
  id: "variables.live-tuning",
  title: "A batch size that follows the pace which the running system measures",
  requirement: ["S3-091"],
  needs: ["mettle"],
  seconds: timesOf(1),
  rules: {
    thresholds: {
      "variables.tuning.speed-up": { threshold: "value >= 2", requirement: ["S3-091"] },
      // A tenth of the rounds tries others.
      "variables.tuning.settled": { threshold: "rate >= 0.7", requirement: ["S3-091"] },
    },
  },
  run: async ({ record, random, seconds, signal }) => {
    await using runtime = createRuntime();
    const { agent, variable } = spawnVariable(runtime, {
      name: "batch-size",
      kind: new ChoiceKind<number>({ choices: sizes, initial: sizes[0] }),
      random: new Random(random.below(1_000_000)),
    });
    for (let i = 0; i < 20; i++) for (const size of sizes) round(size); // for the compiler
    const untuned = Array.from({ length: 9 }, () => round(sizes[0]));
    const rounds: { readonly size: number; readonly tookNs: number }[] = [];
    let quickest = median(untuned);
    const end = nowNs() + seconds * 1e9;
    while (rounds.length < 100 || (nowNs() < end && rounds.length < 2000)) {
      signal.throwIfAborted();
      const size = variable.value;
      const tookNs = round(size);
      quickest = Math.min(quickest, tookNs);
      await agent.ask({ type: "feedback", data: { performance: quickest / tookNs } });
      rounds.push({ size, tookNs });
    }
    const last = rounds.slice(-Math.ceil(rounds.length / 4));
    record.value("variables.tuning.speed-up", median(untuned) / median(last.map(({ tookNs }) => tookNs)), {
      unit: "1",
      direction: "higher",
      notes: [`median of the last ${last.length} of ${rounds.length} rounds, against a batch size of ${sizes[0]}`],
    });
    record.rate("variables.tuning.settled", last.filter(({ size }) => size >= goodFrom).length, last.length);
  },
};

export const liveTuningScenarios: readonly Scenario[] = [liveTuning];
