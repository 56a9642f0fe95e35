import { describe, expect, test } from "vitest";
import { renderHtml, renderMarkdown, renderSummary } from "../src/index.ts";
import { platformTable, standing, standings } from "../src/platforms.ts";
import { measurement, run, verdict } from "./builders.ts";

const on = (platform: string, metric: string, value: number, more = {}) =>
  measurement(metric, value, { tags: { platform, size: "1000" }, direction: "lower", ...more });

const versus = run({
  kind: "validate",
  measurements: [
    on("ours", "core.ask.time", 100),
    on("ours", "core.create.time", 5000),
    on("ours", "core.send.time", 101),
    on("ours", "core.alone.time", 1),
    on("ours", "core.odd.time", 1, { direction: "none" }),
    on("other", "core.ask.time", 1000),
    on("other", "core.create.time", 2500),
    on("other", "core.send.time", 100),
    on("other", "core.odd.time", 1, { direction: "none" }),
    on("third", "core.ask.time", 400),
    on("third", "core.rate.throughput", 5, { direction: "higher" }),
  ],
});

describe("platforms of one run", () => {
  test("stand in one table, the first against the best of the others; what only one has is left out", () => {
    const table = platformTable(versus)!;
    expect(table.platforms).toEqual(["ours", "other", "third"]);
    expect(table.rows.map(({ name, values, ahead }) => [name, values, ahead])).toEqual([
      ["core.ask.time", [100, 1000, 400], 4],
      ["core.create.time", [5000, 2500, undefined], 0.5],
      ["core.send.time", [101, 100, undefined], 100 / 101],
    ]);
    expect(table.rows.map((row) => standing(row).is)).toEqual(["ahead", "lost", "even"]);
    expect(standings(table)).toMatch(/ahead in 1, even in 1, lost in 1$/);
    expect(platformTable(run({ measurements: [on("ours", "core.ask.time", 1)] }))).toBeUndefined();
  });

  test("a comparison that is lost says so in the terminal, in Markdown and in the report, at 80 columns", () => {
    const text = renderSummary(versus, verdict([]), { width: 80 });
    const markdown = renderMarkdown(versus, verdict([]));
    const page = renderHtml(versus, verdict([]));
    for (const rendered of [text, markdown, page]) {
      expect(rendered).toContain("lost, 2");
      expect(rendered.replaceAll(/\s+/g, " ")).toContain("ahead in 1, even in 1, lost in 1");
    }
    const line = text.split("\n").find((each) => each.includes("core.create"))!;
    expect(line).toMatch(/core\.create\.time +5\.00 µs +2\.50 µs +– +lost, 2/);
    expect(Math.max(...text.split("\n").map((each) => each.length))).toBeLessThanOrEqual(80);
  });

  test("a name too long for its figures stands over them, whole", () => {
    const platforms = ["mettle", "event-emitter", "xstate", "moleculer", "otp"];
    const wide = run({
      measurements: platforms.flatMap((platform, i) =>
        ["create", "propose"].map((operation) =>
          measurement("core.operation.time", 100 * (i + 1), { tags: { platform, operation }, direction: "lower" }),
        ),
      ),
    });
    const lines = renderSummary(wide, verdict([]), { width: 80 }).split("\n");
    const at = lines.indexOf("   core.operation.time operation=create");
    expect(lines[at - 1]).toMatch(/^ +mettle +event-emitter +xstate +moleculer +otp/);
    expect(lines[at + 1]).toMatch(/^ +100 ns +200 ns +300 ns +400 ns +500 ns +2\.00 × ahead$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("a figure where more is better is compared the other way round", () => {
    const rates = run({
      measurements: [
        on("ours", "a.throughput", 10, { direction: "higher" }),
        on("other", "a.throughput", 5, { direction: "higher" }),
      ],
    });
    expect(platformTable(rates)?.rows[0]?.ahead).toBe(2);
  });

  test("what all measurements have is not repeated in findings", () => {
    const one = run({ measurements: [on("ours", "core.create.time", 5000), on("ours", "core.ask.time", 1)] });
    const missed = {
      kind: "threshold",
      state: "failed",
      metric: "core.create.time",
      tags: { platform: "ours", size: "1000" },
      rule: "p(50) < 1us",
      actual: 5000,
      unit: "ns",
      message: "core.create.time{platform:ours,size:1000}: p(50) is 5.00 µs, limit < 1.00 µs.",
      evidence: [],
    } as const;
    const text = renderSummary(one, verdict([missed as never]), { width: 80 });
    expect(text).toMatch(/✗ core\.create\.time +5\.00 µs/);
    expect(text).toContain("core.create.time: p(50) is 5.00 µs");
  });
});
