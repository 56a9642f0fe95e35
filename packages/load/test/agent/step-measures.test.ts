import { expect, test } from "vitest";
import { isGood } from "../../src/agent/objectives.ts";
import { StepMeter } from "../../src/agent/step-measures.ts";
import type { StepEvent, StepOutcome, TokenKind } from "../../src/drivers/driver.ts";

const token = (at: number, kind: TokenKind = "content"): StepEvent => ({ type: "token", at, kind, text: "x" });
const outcome = (changes: Partial<StepOutcome> = {}): StepOutcome => ({
  ok: true,
  startedAt: 1000,
  endedAt: 2010,
  text: "",
  toolCalls: [],
  ...changes,
});

test("hand-computed: sent at 1000, due at 990, reasoning at 1200, content at 1300, 1400 and 1600, 9 tokens counted", () => {
  const gaps: number[] = [];
  const meter = new StepMeter(990, (gap) => gaps.push(gap));
  for (const event of [
    { type: "firstByte", at: 1050 } as const,
    { type: "firstToken", at: 1200, kind: "reasoning" } as const,
    token(1200, "reasoning"),
    token(1300),
    token(1400),
    token(1600),
  ]) {
    meter.event(event);
  }
  expect(meter.measures(outcome({ usage: { input: 50, cachedInput: 20, output: 9, reasoning: 3 } }))).toEqual({
    ok: true,
    startedAt: 1000,
    endedAt: 2010,
    scheduleDelay: 10,
    timeToFirstToken: 200,
    timeToFirstTokenFromScheduled: 210,
    timeToFirstOutputToken: 300,
    timeToSecondToken: 100,
    endToEnd: 600,
    timePerOutputToken: 50,
    tokensPerSecondPerUser: 20,
    normalizedTimePerOutputToken: 600 / 9,
    prefillTokensPerSecond: 250,
    outputTokens: 9,
    outputCounted: true,
    inputTokens: 50,
    cachedInputTokens: 20,
    reasoningTokens: 3,
  });
  expect(gaps).toEqual([100, 100, 200]);
});

test("one token has no time per output token; none has no first token; the response's end counts then", () => {
  const one = new StepMeter();
  one.event(token(1500));
  const measures = one.measures(outcome());
  expect(measures).toMatchObject({ endToEnd: 500, outputTokens: 1, outputCounted: false, timeToFirstToken: 500 });
  expect(measures).not.toHaveProperty("timePerOutputToken");
  expect(measures).not.toHaveProperty("tokensPerSecondPerUser");
  expect(measures).not.toHaveProperty("scheduleDelay");
  const none = new StepMeter().measures(outcome({ ok: false }));
  expect(none).toEqual({ ok: false, startedAt: 1000, endedAt: 2010, endToEnd: 1010, outputCounted: false });
});

test("good output: every objective, those of the request first, and what does not apply is no miss", () => {
  const meter = new StepMeter(900);
  meter.event(token(1200));
  const one = meter.measures(outcome());
  expect(isGood(one, {})).toBe(true);
  expect(isGood(one, { timeToFirstTokenMs: 200, endToEndMs: 200 })).toBe(true);
  expect(isGood(one, { timeToFirstTokenMs: 199 })).toBe(false);
  expect(isGood(one, { timeToFirstTokenMs: 199 }, { timeToFirstTokenMs: 250 })).toBe(true);
  expect(isGood(one, { timeToFirstTokenFromScheduledMs: 299 })).toBe(false);
  expect(isGood(one, { timePerOutputTokenMs: 1 })).toBe(true);
  const none = new StepMeter().measures(outcome());
  expect(isGood(none, { timeToFirstTokenMs: 1e9 })).toBe(false);
  expect(isGood({ ...one, ok: false }, {})).toBe(false);
});
