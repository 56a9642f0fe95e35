import { ManualClock, ms } from "@mettle/core";
import { expect, test } from "vitest";
import type { LoadProgress } from "../../src/live/load-frame.ts";
import { LoadView } from "../../src/live/load-view.ts";
import { FakeTerminal } from "../terminal.ts";

const progress: LoadProgress = {
  name: "shop",
  target: "http://127.0.0.1:3000/",
  phase: "steady",
  elapsedMs: 7_000,
  plannedMs: 10_000,
  perSecond: 200,
  inFlight: 12,
  waiting: 0,
  users: 20,
  validity: { state: "valid", reasons: [] },
  thresholds: { missed: 0, held: 0 },
  operations: [],
  errors: [],
};

function viewOn(terminal: FakeTerminal, mode: "repaint" | "lines" | "json" = "repaint") {
  const clock = new ManualClock(Date.parse("2026-11-21T08:07:00Z"));
  return { clock, view: new LoadView({ stream: terminal, mode, clock }) };
}

test("paints four times a second on a terminal: figures come once a second, and the time goes on between", async () => {
  const terminal = new FakeTerminal(100);
  const { clock, view } = viewOn(terminal);
  view.update(progress);
  const first = terminal.screen;
  expect(first).toContain("00:07 / 00:10");
  const bars: string[] = [];
  for (let quarter = 0; quarter < 4; quarter++) {
    await clock.advance(ms(250));
    bars.push(/█+/.exec(terminal.screen)?.[0] ?? "");
  }
  expect(terminal.screen).toContain("00:08 / 00:10");
  expect(new Set(bars).size, "lengths of the bar within the second").toBeGreaterThan(2);
  view.update({ ...progress, elapsedMs: 8_010, inFlight: 13 });
  expect(terminal.screen).toContain("13 in flight");
  view.close();
});

test("a run that tells nothing for over a second does not look as if it went on", async () => {
  const terminal = new FakeTerminal(100);
  const { clock, view } = viewOn(terminal);
  view.update(progress);
  await clock.advance(ms(10_000));
  expect(terminal.screen).toContain("00:08 / 00:10");
  const { length } = terminal.writes;
  await clock.advance(ms(10_000));
  expect(terminal.writes).toHaveLength(length);
  view.close();
});

test.each(["lines", "json"] as const)("as %s it says what is new, and nothing between", async (mode) => {
  const terminal = new FakeTerminal(1000);
  const { clock, view } = viewOn(terminal, mode);
  view.update(progress);
  const { length } = terminal.writes;
  await clock.advance(ms(900));
  expect(terminal.writes).toHaveLength(length);
  view.close();
});

test("nothing is painted after it was closed", async () => {
  const terminal = new FakeTerminal(100);
  const { clock, view } = viewOn(terminal);
  view.update(progress);
  view.close();
  const { length } = terminal.writes;
  await clock.advance(ms(2_000));
  expect(terminal.writes).toHaveLength(length);
});
