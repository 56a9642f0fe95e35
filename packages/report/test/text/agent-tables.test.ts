import { expect, test } from "vitest";
import type { Measurement, Run, Summary } from "@mettle/results";
import { renderMarkdown } from "../../src/markdown.ts";
import { renderSummary } from "../../src/text/summary.ts";
import { environment, run, verdict } from "../builders.ts";
import { hostileTexts } from "../hostile.ts";

const measured = (
  metric: string,
  unit: Measurement["unit"],
  tags: Record<string, string>,
  summary: Summary,
): Measurement => ({ metric, unit, direction: "none", tags, summary });

const times = (p50: number): Summary => ({ count: 60, p50: p50 * 1e6, p95: p50 * 2e6, p99: p50 * 3e6, max: p50 * 4e6 });

function agentRun(more: readonly Measurement[] = []): Run {
  return run({
    kind: "load",
    environment,
    measurements: [
      measured("iterations", "count", {}, { count: 60, sum: 60, perSecond: 6 }),
      measured("iteration_duration", "ns", {}, times(900)),
      measured("llm_requests", "count", { model: "small" }, { count: 20, sum: 20 }),
      measured("llm_requests", "count", { model: "large" }, { count: 40, sum: 40 }),
      measured("llm_failed", "1", { model: "small" }, { count: 20, rate: 0 }),
      measured("llm_failed", "1", { model: "large" }, { count: 40, rate: 0.025 }),
      measured("llm_ttft", "ns", { model: "small" }, times(51)),
      measured("llm_ttft", "ns", { model: "large" }, times(77)),
      measured("llm_errors", "count", { code: "HTTP_429" }, { count: 1, sum: 1 }),
      measured("agent_tasks", "count", { task: "triage" }, { count: 60, sum: 60 }),
      measured("agent_task_passed", "1", { task: "triage" }, { count: 60, rate: 0.75 }),
      measured("agent_task_duration", "ns", { task: "triage" }, times(900)),
      measured("agent_tool_duration", "ns", { tool: "search" }, times(13)),
      measured("agent_tool_failed", "1", { tool: "search" }, { count: 60, rate: 0.1 }),
      measured("agent_cost_per_passed_task", "1", {}, { count: 45, last: 0.0125 }),
      measured("agent_pass_power", "1", { k: "8" }, { count: 1, last: 0.1 }),
      measured("agent_pass_power", "1", { k: "1" }, { count: 1, last: 0.75 }),
      measured("llm_output_tokens_per_second", "1/s", {}, { count: 60, last: 371 }),
      ...more,
    ],
  });
}

const line = (text: string, part: RegExp): string => text.split("\n").find((each) => part.test(each)) ?? "";

test("models, errors, tasks and tools have tables of their own, the most frequent first", () => {
  const text = renderSummary(agentRun(), undefined, { width: 130 });
  expect(line(text, /^ +large/)).toMatch(/large +40 +2\.50 +77\.0 ms +154 ms/);
  expect(line(text, /^ +small/)).toMatch(/small +20 +0\.00 +51\.0 ms +102 ms/);
  expect(text.indexOf("large")).toBeLessThan(text.indexOf("small"));
  expect(line(text, /HTTP_429/)).toMatch(/HTTP_429 +1$/);
  expect(line(text, /^ +triage/)).toMatch(/triage +60 +75\.00 +900 ms +1\.80 s/);
  expect(line(text, /^ +search/)).toMatch(/search +60 +10\.00 +13\.0 ms +26\.0 ms/);
  expect(text).toContain("371 output tokens/s");
  expect(text).toMatch(/a passed task cost 0\.0125 · pass\^1 75\.0 % · pass\^8 10\.0 %/);
  // Nothing of it stands in the table of a script's own metrics as well.
  expect(text).not.toMatch(/llm_|agent_/);
});

test("a metric that these tables do not know is shown as any of a script's own", () => {
  const text = renderSummary(agentRun([measured("agent_mood", "1", {}, { count: 3, p50: 2 })]), undefined);
  expect(text).toMatch(/agent_mood +2/);
});

test("scheduled requests show what was waited from the moment that they were due", () => {
  const text = renderSummary(
    agentRun([
      measured("llm_ttft_scheduled", "ns", {}, times(500)),
      measured("llm_ttft_scheduled", "ns", { model: "large" }, times(500)),
      measured("llm_schedule_delay", "ns", {}, times(3)),
    ]),
    undefined,
    { width: 130 },
  );
  expect(text).toContain("due to first token p50");
  expect(line(text, /^ +large/)).toMatch(/large +40 +2\.50 +500 ms +1\.00 s/);
  expect(text).toContain("requests were sent 6.00 ms late or less");
});

test("a load test without models or tasks has none of these", () => {
  const { measurements } = agentRun();
  const plain = run({ kind: "load", measurements: measurements.slice(0, 2) });
  expect(renderSummary(plain, undefined)).not.toMatch(/model|task|tool|tokens/);
});

test("Markdown has the same tables, and names from outside are no markup", () => {
  const markdown = renderMarkdown(agentRun(), verdict([]));
  expect(markdown).toMatch(/\| large \| 40 \| 2\.50 \| 77\.0 ms \|/);
  expect(markdown).toMatch(/^- 371 output tokens\/s$/m);
  expect(markdown).toContain("All measurements");
  for (const name of hostileTexts) {
    const text = renderMarkdown(
      agentRun([measured("llm_requests", "count", { model: name }, { count: 1, sum: 1 })]),
      verdict([]),
    );
    expect(text.split("\n").filter((each) => each.startsWith("| ")).length).toBeGreaterThan(8);
    expect(text).not.toMatch(/<script|<img|\]\(javascript/i);
  }
});
