import { hostileTexts } from "../../../report/test/hostile.ts";
import { describe, expect, test } from "vitest";
import { LiveModel } from "../../src/live/live-model.ts";
import { liveMarkup, liveStatus, liveTitle, usualLook } from "../../src/live/live-view.ts";
import type { LiveMoment } from "../../src/live/moment.ts";
import { FrameWriter } from "../../src/live/wire.ts";
import { about, moment, operation } from "../moments.ts";

function modelOf(moments: readonly LiveMoment[]): LiveModel {
  const writer = new FrameWriter();
  const model = new LiveModel();
  model.start({ about, texts: [], ticks: [], recent: [] });
  for (const each of moments) model.frame(writer.frame(each));
  return model;
}

const rule = { text: "http_req_failed: rate < 0.01", actual: 0.05, limit: 0.01, unit: "1", consumed: 5 } as const;
const seconds = (count: number): LiveMoment[] => Array.from({ length: count }, (_, i) => moment(i + 1));
const textOf = (markup: string): string =>
  markup
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .replaceAll("&lt;", "<");

describe("the live page", () => {
  test("says what is known of the last second and of the whole stretch", () => {
    const text = textOf(liveMarkup(modelOf(seconds(20)), usualLook).text);
    expect(text).toContain("00:20 shop: all rules held so far");
    expect(text).toContain("00:20 of 01:00");
    expect(text).toMatch(/requests\/s 40(\.0)? of 40(\.0)? iterations due/);
    // 800 values of 10 … 49 ms: the 95th percentile is 47 ms, known to 4.5 %.
    const p95 = Number(/p95 ([\d.]+) ms of the stretch/.exec(text)?.[1]);
    expect(Math.abs(p95 / 47 - 1)).toBeLessThan(0.06);
    expect(text).toContain("http_req_duration: p(95) < 200ms 47.0 ms 23.5 %");
    expect(text).toContain("limit 200 ms");
  });

  test("a run that goes on has passed nothing; a missed rule shows at once; what cannot be believed outranks it", () => {
    expect(liveStatus(modelOf(seconds(2)))).toBe("measured");
    const missed = moment(3, {}, { rules: [{ ...rule, state: "missed" }] });
    expect(liveStatus(modelOf([missed]))).toBe("failed");
    expect(liveTitle(modelOf([missed]))).toBe("00:03 shop: 1 of 1 rules missed");
    const invalid = { state: "invalid" as const, reasons: ["a worker was stopped"] };
    const model = modelOf([moment(3, { validity: invalid }, { rules: [{ ...rule, state: "held" }] })]);
    expect(liveStatus(model)).toBe("invalid");
    expect(textOf(liveMarkup(model, usualLook).text)).toContain("Measurement INVALID ? a worker was stopped");
    expect(liveStatus(modelOf([moment(3, { validity: { ...invalid, state: "degraded" } })]))).toBe("warning");
  });

  test("a missed rule says for how long; a limit on other times than those drawn is no line among them", () => {
    const missed = { ...rule, state: "missed" as const, missedSinceMs: 8000 };
    const text = textOf(liveMarkup(modelOf([moment(80, {}, { rules: [missed] })]), usualLook).text);
    expect(text).toContain("missed for 01:12");
    expect(textOf(liveMarkup(modelOf(seconds(20)), usualLook).text)).not.toContain("missed for");
    const tokens = { ...rule, state: "held" as const, text: "llm_ttft: p(95) < 800ms", limit: 800e6 };
    const drawn = textOf(liveMarkup(modelOf([...seconds(2), moment(3, {}, { rules: [tokens] })]), usualLook).text);
    expect(drawn).not.toContain("limit 800 ms");
    expect(textOf(liveMarkup(modelOf(seconds(3)), usualLook).text)).toContain("limit 200 ms");
  });

  test("every missed rule counts, one without a budget too, however many rules there are", () => {
    const rules = Array.from({ length: 40 }, (_, i) => ({ ...rule, text: `rule ${i}`, state: "held" as const }));
    const bare = { text: "count < 1", state: "missed" as const, actual: 3 };
    const model = modelOf([moment(3, {}, { rules: [...rules, bare] })]);
    expect(liveStatus(model)).toBe("failed");
    expect(liveTitle(model)).toBe("00:03 shop: 1 of 41 rules missed");
    const text = textOf(liveMarkup(model, usualLook).text);
    expect(text).toContain("count < 1");
    expect(text).toContain("25 more rules, further from the limit, will be in the report.");
  });

  test("a rule without data has not held", () => {
    const rules = [
      { ...rule, state: "held" as const },
      { text: "checks: rate > 0.9", state: "no-data" as const },
    ];
    expect(liveTitle(modelOf([moment(3, {}, { rules })]))).toBe("00:03 shop: 1 of 2 rules held so far, 1 without data");
  });

  test("two rules that are written alike, or alike as far as they are shown, burn each at its own pace", () => {
    for (const text of ["http_req_duration: p(95) < 200ms", `${"x".repeat(200)}: p(95) < 1s`]) {
      const rules = [
        { text, state: "held" as const, consumed: 0.5 },
        { text, state: "missed" as const, consumed: 4 },
      ];
      const spending = [
        { rule: 0, allowed: 0.05, bad: 1, total: 40 },
        { rule: 1, allowed: 0.05, bad: 8, total: 40 },
      ];
      const page = textOf(
        liveMarkup(modelOf(seconds(9).map((each) => ({ ...each, rules, spending }))), usualLook).text,
      );
      expect(page).toContain("of what it allows · burning 4×");
    }
  });

  test("what was not measured is a dash or a sentence, never zero", () => {
    const bare: LiveMoment = {
      progress: {
        name: "x",
        target: "x",
        phase: "x",
        elapsedMs: 1000,
        perSecond: 0,
        inFlight: 0,
        waiting: 0,
        users: 0,
        validity: { state: "valid", reasons: [] },
        thresholds: { missed: 0, held: 0 },
        operations: [],
        errors: [],
      },
      second: { slots: [] },
      rules: [],
    };
    const text = textOf(liveMarkup(modelOf([bare]), usualLook).text);
    expect(text).toContain("requests/s –");
    expect(text).toContain("p95 – of the stretch");
    expect(text).toContain("errors – in the last second");
    expect(text).toContain("Response time of each second: not measured over time.");
    expect(text).toContain("nothing measured yet");
    expect(text).not.toContain("NaN");
    expect(liveMarkup(new LiveModel(), usualLook).text).toContain("Waiting for the first second");
  });

  test("looks at the stretch that was asked for", () => {
    const model = modelOf(seconds(120));
    const stretch = (markup: string): string[] =>
      [...(/data-from="([\d.]+)" data-to="([\d.]+)"/.exec(markup) ?? [])].slice(1);
    expect(stretch(liveMarkup(model, { ...usualLook, windowMs: 60_000 }).text)).toEqual(["60000", "120000"]);
    expect(stretch(liveMarkup(model, { ...usualLook, windowMs: undefined }).text)).toEqual(["0", "120000"]);
    expect(stretch(liveMarkup(model, { ...usualLook, range: [30_000, 45_000] }).text)).toEqual(["30000", "45000"]);
  });

  test("what was not seen says so", () => {
    const writer = new FrameWriter();
    const frames = seconds(30).map((each) => writer.frame(each));
    const model = new LiveModel();
    model.start({ about, texts: [], ticks: [], recent: [] });
    for (const frame of frames.filter((_, i) => i < 10 || i > 19)) model.frame(frame);
    const markup = liveMarkup(model, usualLook).text;
    expect(markup).toContain('class="gap"');
    expect(textOf(markup)).toContain("1 stretch of the run not seen by this page");
  });

  test("a rule that allows a share shows how fast it is used up, over windows that the run is long enough for", () => {
    const rules = [{ ...rule, state: "missed" as const }];
    const spending = [{ rule: 0, allowed: 0.01, bad: 2, total: 40 }];
    const text = textOf(liveMarkup(modelOf(seconds(90).map((each) => ({ ...each, rules, spending }))), usualLook).text);
    expect(text).toContain("of what it allows · burning 5×");
    expect(text).toContain("How fast http_req_failed: rate < 0.01 burns its budget");
    expect(text).toMatch(/allowed 1×.* 5 s .*1 min .*5 min|5 s.*1 min.*5 min/);
    const young = textOf(liveMarkup(modelOf([{ ...moment(1), rules, spending }]), usualLook).text);
    expect(young).not.toContain("1 min");
    expect(textOf(liveMarkup(modelOf(seconds(3)), usualLook).text)).not.toContain("burns its budget");
  });

  test("agents, tools, goodput and cost are there where they are measured, and only there", () => {
    const agents = {
      tasksPerSecond: 2.5,
      passedShare: 0.9,
      stepsPerTask: 6.23,
      inFlight: 37,
      goodShare: 0.88,
      costPerSecond: 0.0138,
      tools: [{ name: "web_search", p95: 1.9e9, failedShare: 0.12 }, { name: "clock" }],
    };
    const text = textOf(liveMarkup(modelOf(seconds(20).map((each) => ({ ...each, agents }))), usualLook).text);
    expect(text).toContain("goodput 88.0 % within all objectives");
    expect(text).toContain("cost / min 0.828 over the last minute");
    expect(text).toContain("requests to models in flight 37");
    expect(text).toContain("steps per task 6.23");
    expect(text).toMatch(/web_search 1\.90 s 12\.0 %/);
    expect(text).not.toContain("time to first token");
    const none = textOf(liveMarkup(modelOf(seconds(2)), usualLook).text);
    for (const word of ["goodput", "cost", "Agents"]) expect(none).not.toContain(word);
  });

  test("hostile texts are text", () => {
    for (const text of hostileTexts) {
      const model = modelOf([
        moment(
          1,
          {
            phase: text,
            operations: [operation(text, { limit: { text, missed: true } })],
            errors: [{ message: text, count: 1 }],
            validity: { state: "degraded", reasons: [text] },
          },
          {
            rules: [{ ...rule, text, state: "missed" }],
            spending: [{ rule: 0, allowed: 0.01, bad: 1, total: 2 }],
            agents: { inFlight: 1, tools: [{ name: text }] },
          },
        ),
      ]);
      model.about = { ...about, name: text, target: text };
      const markup = liveMarkup(model, usualLook).text;
      expect(markup).not.toMatch(/<script|<img|<iframe|<b>|<failure/i);
      expect(markup.isWellFormed()).toBe(true);
    }
  });
});
