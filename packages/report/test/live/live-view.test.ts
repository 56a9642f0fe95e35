import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LiveView, progressMode } from "../../src/live/live-view.ts";
import {
  advanceProgress,
  fractionDone,
  initialProgress,
  type ProgressEvent,
  timeLeft,
} from "../../src/live/progress.ts";
import { hostile } from "../hostile.ts";
import { FakeTerminal } from "../terminal.ts";

const start: readonly ProgressEvent[] = [
  { kind: "plan", files: ["a.bench.ts", "b.bench.ts"] },
  {
    kind: "suite-start",
    file: "a.bench.ts",
    suite: "registry",
    cases: ["lookup", "register"],
    processesMin: 10,
    processesMax: 20,
  },
];
const process = (index: number): ProgressEvent => ({
  kind: "process-done",
  file: "a.bench.ts",
  suite: "registry",
  index,
  of: 20,
  elapsedMs: index * 500,
});

function viewOn(terminal: FakeTerminal, mode: "repaint" | "lines" | "json" | "quiet" = "repaint") {
  const clock = new ManualClock(Date.parse("2026-11-21T08:07:00Z"));
  const view = new LiveView({ stream: terminal, mode, clock });
  return { clock, view };
}

describe("progress", () => {
  test("counts files and processes, and estimates the rest from the pace", () => {
    let state = initialProgress;
    for (const event of [...start, process(10)]) state = advanceProgress(state, event, 5000);
    expect(fractionDone(state)).toBe(0.25);
    expect(timeLeft(state, 5000)).toBe(15_000);
    state = advanceProgress(state, { ...process(1), file: "b.bench.ts", etaMs: 4000 } as ProgressEvent, 10_000);
    expect(fractionDone(state)).toBe(0.525);
    expect(timeLeft(state, 11_500)).toBe(2500);
  });

  test("promises nothing before a tenth is done", () => {
    const state = start.reduce((s, event) => advanceProgress(s, event, 0), initialProgress);
    expect(timeLeft(state, 900)).toBeUndefined();
  });

  test("never goes beyond the whole and is whole when done", () => {
    let state = initialProgress;
    for (const event of [...start, process(20), { kind: "done" } as const]) {
      state = advanceProgress(state, event, 1);
      expect(fractionDone(state)).toBeLessThanOrEqual(1);
    }
    expect(fractionDone(state)).toBe(1);
  });
});

describe("repaint", () => {
  test("paints at most four times a second, however many events come", async () => {
    const terminal = new FakeTerminal();
    const { clock, view } = viewOn(terminal);
    for (const event of start) view.handle(event);
    for (let step = 0; step < 200; step++) {
      view.handle({ kind: "estimate", case: "lookup", medianNs: 20 + step });
      await clock.advance(ms(10));
    }
    expect(terminal.writes.length).toBeGreaterThanOrEqual(8);
    expect(terminal.writes.length).toBeLessThanOrEqual(9);
    view.close();
    await view.closed();
  });

  test("shows file, bar, elapsed and left time, processes and the running table", async () => {
    const terminal = new FakeTerminal();
    const { clock, view } = viewOn(terminal);
    for (const event of start) view.handle(event);
    await clock.advance(ms(5000));
    view.handle(process(10));
    view.handle({ kind: "estimate", case: "lookup", medianNs: 19.8, ratio: 1.03, low: 1.02, high: 1.04 });
    view.handle({ kind: "estimate", case: "register", medianNs: 214 });
    await clock.advance(ms(250));
    expect(terminal.screen).toBe(
      [
        " a.bench.ts › registry  file 1 of 2",
        ` ${"█".repeat(7)}${"░".repeat(23)}  00:05   about 00:15 left   process 10 of 10–20`,
        "",
        " case        median  change  so far",
        " lookup     19.8 ns  +3.0 %  [+2.0, +4.0]",
        " register  214.0 ns",
      ].join("\n"),
    );
    view.close();
    await view.closed();
  });

  test("an unchanged frame is not written again", async () => {
    const terminal = new FakeTerminal();
    const { clock, view } = viewOn(terminal);
    for (const event of start) view.handle(event);
    await clock.advance(ms(900));
    expect(terminal.writes).toHaveLength(2);
    view.close();
    await view.closed();
  });

  test("notes and failures stay above, the frame goes when all is done", async () => {
    const terminal = new FakeTerminal();
    const { clock, view } = viewOn(terminal);
    for (const event of start) view.handle(event);
    view.handle({ kind: "note", text: "turbo is on" });
    view.handle({ kind: "failure", file: "a.bench.ts", failure: { case: "lookup", kind: "threw", message: "boom" } });
    await clock.advance(ms(250));
    expect(terminal.screen).toMatch(/^ note: turbo is on\n lookup: threw: boom\n a\.bench\.ts .*1 failed/);
    view.handle({ kind: "note", text: "last words" });
    view.handle({ kind: "done" });
    view.close();
    expect(terminal.screen).toBe(" note: turbo is on\n lookup: threw: boom\n note: last words");
    view.close();
    await view.closed();
  });

  test("left before the end, the last frame stays; later events change nothing", async () => {
    const terminal = new FakeTerminal();
    const { view } = viewOn(terminal);
    for (const event of start) view.handle(event);
    view.handle(process(3));
    view.close();
    expect(terminal.screen).toContain("process 3 of 10–20");
    const writes = terminal.writes.length;
    view.handle(process(4));
    expect(terminal.writes).toHaveLength(writes);
    await view.closed();
  });

  test("waits while the reader is behind", async () => {
    const terminal = new FakeTerminal();
    const { clock, view } = viewOn(terminal);
    for (const event of start) view.handle(event);
    const before = terminal.writes.length;
    terminal.writableNeedDrain = true;
    await clock.advance(ms(3000));
    expect(terminal.writes).toHaveLength(before);
    terminal.writableNeedDrain = false;
    await clock.advance(ms(250));
    expect(terminal.writes).toHaveLength(before + 1);
    view.close();
    await view.closed();
  });

  test("fits any terminal, whatever the names", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, fc.integer({ min: 30, max: 140 }), async (text, columns) => {
        const terminal = new FakeTerminal(columns);
        const { clock, view } = viewOn(terminal);
        view.handle({ kind: "plan", files: [text] });
        view.handle({ kind: "suite-start", file: text, suite: text, cases: [text], processesMin: 1, processesMax: 2 });
        view.handle({ kind: "estimate", case: text, medianNs: 3 });
        view.handle({ kind: "note", text });
        await clock.advance(ms(250));
        view.close();
        await view.closed();
        // The terminal itself throws when a line would wrap or an unknown sequence comes.
        expect(terminal.writes.length).toBeGreaterThan(1);
      }),
      { numRuns: 60 },
    );
  });
});

describe("other modes", () => {
  test("lines: changes at once, otherwise one line every ten seconds", async () => {
    const terminal = new FakeTerminal(500);
    const { clock, view } = viewOn(terminal, "lines");
    for (const event of start) view.handle(event);
    for (let i = 1; i <= 10; i++) view.handle(process(i));
    view.handle({ kind: "note", text: "noisy" });
    expect(terminal.writes).toEqual([
      "[00:00] starting (1 of 2)\n",
      "[00:00] a.bench.ts (1 of 2)  process 0 of 10–20\n",
      "[00:00] note: noisy\n",
    ]);
    await clock.advance(ms(25_000));
    expect(terminal.writes.slice(3)).toEqual([
      "[00:10] a.bench.ts (1 of 2)  process 10 of 10–20  about 00:30 left\n",
      "[00:20] a.bench.ts (1 of 2)  process 10 of 10–20  about 01:00 left\n",
    ]);
    expect(terminal.writes.join("")).not.toContain("\u001b");
    view.close();
    await view.closed();
  });

  test("lines: work that is no processes is called what it is, and what is under way is named", () => {
    const terminal = new FakeTerminal(1000);
    const { view } = viewOn(terminal, "lines");
    const [file, suite] = ["validate", "catalogue"];
    view.handle({ kind: "plan", files: [file], unit: "scenario" });
    view.handle({ kind: "case-start", file, case: "registry.lookup" });
    view.handle({ kind: "suite-start", file, suite, cases: [], processesMin: 10, processesMax: 10 });
    view.handle({ kind: "case-start", file, case: "registry.lookup" });
    expect(terminal.writes.at(-1)).toBe("[00:00] validate  scenario 0 of 10\n");
    view.close();
  });

  test("json: every event, one to a line", () => {
    const terminal = new FakeTerminal(1000);
    const { view } = viewOn(terminal, "json");
    for (const event of [...start, process(1)]) view.handle(event);
    view.close();
    const events = terminal.writes.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ kind }) => kind)).toEqual(["plan", "suite-start", "process-done"]);
    expect(events[2]).toMatchObject({ at: "2026-11-21T08:07:00.000Z", sinceStartMs: 0, index: 1, of: 20 });
  });

  test("quiet: nothing", async () => {
    const terminal = new FakeTerminal();
    const { view } = viewOn(terminal, "quiet");
    for (const event of [...start, { kind: "done" } as const]) view.handle(event);
    view.close();
    await view.closed();
    expect(terminal.writes).toEqual([]);
  });

  test("the mode follows flags, then the stream", () => {
    expect(progressMode({ write: () => true, isTTY: true }, {})).toBe("repaint");
    expect(progressMode({ write: () => true }, {})).toBe("lines");
    expect(progressMode({ write: () => true, isTTY: true }, { json: true })).toBe("json");
    expect(progressMode({ write: () => true, isTTY: true }, { json: true, quiet: true })).toBe("quiet");
  });
});
