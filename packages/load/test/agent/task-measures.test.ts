import fc from "fast-check";
import { expect, test } from "vitest";
import { CostModel, infrastructureCostPerMillionTokens } from "../../src/agent/cost.ts";
import { PassTable, passPower } from "../../src/agent/pass-power.ts";
import { criticalPath, measureTask, type TaskSpan } from "../../src/agent/task-measures.ts";

const span = (kind: "llm" | "tool", start: number, end: number, more: Partial<TaskSpan> = {}): TaskSpan => ({
  kind,
  name: kind,
  start,
  end,
  failed: false,
  ...more,
});

/**
 *   0   10        40   50        90 100
 *   |    llm(10–40)     |              |
 *   |              tool a (40–60)      |
 *   |              tool b (50–90)      |
 *   |                         llm (90–100)
 */
test("hand-computed: a task of two model calls and two tools that overlap", () => {
  const measures = measureTask({
    name: "t",
    queuedAt: -5,
    startedAt: 0,
    endedAt: 110,
    steps: 2,
    passed: true,
    spans: [
      span("llm", 10, 40, { tokens: 100, cost: 1 }),
      span("tool", 40, 60, { failed: true, cost: 0.5 }),
      span("tool", 50, 90, { retry: true, cost: 0.5 }),
      span("llm", 90, 100, { tokens: 20, cost: 2 }),
    ],
  });
  expect(measures).toEqual({
    endToEnd: 110,
    steps: 2,
    llmCalls: 2,
    toolCalls: 2,
    toolErrors: 1,
    toolRetries: 1,
    // 110 − (10…100)
    orchestrationOverhead: 20,
    // Backwards: llm 90–100, tool b 50–90, llm 10–40; tool a ended at 60, after b had begun.
    criticalPathShare: 80 / 110,
    criticalPath: { llm: 40 / 110, tool: 40 / 110 },
    parallelism: 100 / 110,
    queueWait: 5,
    timeToFirstAction: 40,
    tokens: 120,
    cost: 4,
    cancelledAfterFailure: 0,
  });
});

test("a call without a count or a price leaves the sum out, and spans beyond the task are clipped", () => {
  const measures = measureTask({
    name: "t",
    startedAt: 0,
    endedAt: 10,
    steps: 1,
    spans: [span("llm", -5, 5), span("tool", 5, 50, { cost: 1 })],
  });
  expect(measures).toMatchObject({ orchestrationOverhead: 0, parallelism: 1, criticalPathShare: 1 });
  for (const absent of ["tokens", "cost", "queueWait"]) expect(measures).not.toHaveProperty(absent);
  const empty = measureTask({ name: "t", startedAt: 5, endedAt: 5, steps: 0, spans: [] });
  expect(empty).not.toHaveProperty("parallelism");
  expect(empty).not.toHaveProperty("timeToFirstAction");
});

test("the critical path never overlaps, and nothing that ended later was passed over", () => {
  const spans = fc.array(
    fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 })).map(([start, length]) => ({ start, end: start + length })),
  );
  fc.assert(
    fc.property(spans, (all) => {
      let cursor = 80;
      for (const each of criticalPath(all, 80)) {
        const candidates = all.filter(({ end }) => end <= cursor).map(({ end }) => end);
        expect(each.end).toBe(Math.max(...candidates));
        cursor = each.start;
      }
      expect(all.some(({ end }) => end <= cursor)).toBe(false);
    }),
  );
});

test.each([
  { startedAt: 5, endedAt: 4, spans: [] },
  { startedAt: Number.NaN, endedAt: 4, spans: [] },
  { startedAt: 0, endedAt: 4, spans: [span("llm", 3, 2)] },
])("refuses %j", (task) => {
  expect(() => measureTask({ name: "t", steps: 0, ...task })).toThrow(
    expect.objectContaining({ code: "TASK_INVALID" }),
  );
});

/** By trying every subset of k of the tries. */
function slowPassPower(tries: readonly boolean[], k: number): number {
  let [all, good] = [0, 0];
  const choose = (from: number, left: number, passing: boolean): void => {
    if (left === 0) {
      all++;
      if (passing) good++;
      return;
    }
    for (let i = from; i <= tries.length - left; i++) choose(i + 1, left - 1, passing && (tries[i] ?? false));
  };
  choose(0, k, true);
  return good / all;
}

test("pass^k is the share of subsets of k tries that all passed", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 9 }), (tries, k) => {
      const value = passPower(tries.length, tries.filter(Boolean).length, k);
      if (k > tries.length) expect(value).toBeUndefined();
      else expect(value).toBeCloseTo(slowPassPower(tries, k), 12);
    }),
  );
});

test("over tasks: the mean over those with enough tries; merged like recorded together; full tables say so", () => {
  const [table, other] = [new PassTable(), new PassTable()];
  for (const passed of [true, true, false]) table.record("a", passed);
  table.record("b", true);
  other.record("b", true);
  expect(table.power(2)).toEqual({ value: 1 / 3, tasks: 1 });
  expect(table.merge(other).power(2)).toEqual({ value: (1 / 3 + 1) / 2, tasks: 2 });
  expect(table.power(4)).toBeUndefined();
  const small = new PassTable(1);
  small.record("a", true);
  small.record("b", true);
  expect(small.overflowed).toBe(1);
});

test("cost: uncached, cached and output tokens, each at its price; absent where something is missing", () => {
  const costs = new CostModel({
    currency: "EUR",
    models: {
      m: { inputPerMillion: 2, cachedInputPerMillion: 0.5, outputPerMillion: 10 },
      plain: { inputPerMillion: 2, outputPerMillion: 10 },
    },
    tools: { search: 0.01 },
  });
  expect(costs.ofRequest("m", { input: 1_000_000, cachedInput: 400_000, output: 100_000 })).toBeCloseTo(
    1.2 + 0.2 + 1,
    12,
  );
  expect(costs.ofRequest("plain", { input: 1_000_000, cachedInput: 400_000, output: 0 })).toBe(2);
  expect(costs.ofRequest("m", { input: 1 })).toBeUndefined();
  expect(costs.ofRequest("other", { input: 1, output: 1 })).toBeUndefined();
  expect(costs.ofTool("search")).toBe(0.01);
  expect(costs.ofTool("other")).toBeUndefined();
  expect(infrastructureCostPerMillionTokens(0.001, 500)).toBeCloseTo(2, 12);
  expect(infrastructureCostPerMillionTokens(0.001, 0)).toBeUndefined();
  expect(
    () => new CostModel({ currency: "EUR", models: { m: { inputPerMillion: -1, outputPerMillion: Number.NaN } } }),
  ).toThrow(/m\.inputPerMillion is -1.*m\.outputPerMillion is NaN/);
});
