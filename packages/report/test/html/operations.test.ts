import { judge } from "@mettle/judge";
import { describe, expect, test } from "vitest";
import { conditionsOf, crossingOf, operationsOf, phasesOf, worstOperation } from "../../src/html/operations.ts";
import { finding, measurement, run } from "../builders.ts";
import { loadRun } from "./load-run.ts";

describe("operations", () => {
  test("a submetric that repeats an operation's samples under fewer tags is no second row", () => {
    const subject = loadRun({ seconds: 10, operations: ["a", "b"] });
    const times = subject.measurements.find(
      ({ metric, tags }) => metric === "http_req_response_time" && tags["name"] === "a",
    );
    const alias = { ...times!, tags: { name: "a" } };
    const narrower = { ...alias, summary: { ...alias.summary, count: alias.summary.count - 1 } };
    const names = (more: typeof alias): string[] =>
      operationsOf({ ...subject, measurements: [...subject.measurements, more] }, []).map(({ name }) => name);
    expect(names(alias).toSorted()).toEqual(["a", "all", "b"]);
    // Fewer samples are other samples.
    expect(names(narrower)).toHaveLength(4);
  });

  test("by badness: missed rules first, then how far over, then errors; the total last", () => {
    const subject = loadRun({
      seconds: 10,
      operations: ["fine", "failing", "slow", "slower"],
      median: (operation) => [20e6, 20e6, 300e6, 900e6][operation] ?? 0,
      failing: (operation) => (operation === 1 ? 0.2 : 0),
    });
    const thresholds = Object.fromEntries(
      ["fine", "slow", "slower"].map((name, i) => [
        `http_req_response_time{name:${name},scenario:s-${[0, 2, 3][i]}}`,
        ["p(95) < 200ms"],
      ]),
    );
    const { findings } = judge(subject, { policy: { thresholds } });
    expect(operationsOf(subject, findings).map(({ name }) => name)).toEqual([
      "slower",
      "slow",
      "fine",
      "failing",
      "all",
    ]);
  });

  test("whose times are shown first: those of all together, where only their rule is missed", () => {
    const subject = loadRun({ seconds: 10, operations: ["a", "b"] });
    const shownUnder = (thresholds: Record<string, string[]>): string | undefined =>
      worstOperation(operationsOf(subject, judge(subject, { policy: { thresholds } }).findings))?.name;
    const [own, total] = ["http_req_response_time{name:a,scenario:s-0}", "http_req_response_time"];
    expect(shownUnder({ [own]: ["p(95) < 1s"], [total]: ["p(95) < 1ms"] })).toBe("all");
    expect(shownUnder({ [own]: ["p(95) < 1ms"], [total]: ["p(95) < 1ms"] })).toBe("a");
    expect(shownUnder({ [own]: ["p(95) < 1s"], http_req_failed: ["rate > 0.5"] })).toBe("a");
  });

  test("the same request in two scenarios keeps both names apart", () => {
    const one = loadRun({ seconds: 5, operations: ["a", "a"] });
    expect(
      operationsOf(one, [])
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(["all", "s-0 a", "s-1 a"]);
  });
});

describe("when a rule was broken", () => {
  const subject = loadRun({
    seconds: 60,
    operations: ["a"],
    median: (_, second) => (second >= 20 && second < 30 ? 400e6 : 20e6),
  });
  const { findings } = judge(subject, {
    policy: { thresholds: { "http_req_response_time{name:a,scenario:s-0}": ["p(95) < 200ms"] } },
  });

  test("from its series: first, last and share", () => {
    expect(crossingOf(findings[0]!, subject)).toEqual({ firstMs: 21_000, lastMs: 30_000, share: 10 / 60 });
  });

  test("undefined where no series can tell", () => {
    expect(crossingOf(finding({ metric: "absent" }), subject)).toBeUndefined();
    expect(
      crossingOf(
        finding({ metric: "a.time", rule: "p(95) < 20ns" }),
        run({ measurements: [measurement("a.time", 30)] }),
      ),
    ).toBeUndefined();
    expect(crossingOf({ ...findings[0]!, limit: 5e9 }, subject)).toBeUndefined();
  });

  test("rules that are not thresholds have no conditions", () => {
    expect(conditionsOf(finding({ kind: "budget", rule: "latency p99: 1ms" }))).toEqual([]);
    expect(conditionsOf(finding({ rule: "whatever else" }))).toEqual([]);
    expect(conditionsOf(finding({ rule: "p(95) < 20ns" }))).toHaveLength(1);
  });
});

describe("phases", () => {
  test("begin where a scenario begins or ends", () => {
    const subject = loadRun({ seconds: 60, operations: ["a", "b"], active: (i) => (i === 0 ? [0, 60] : [20, 40]) });
    expect(phasesOf(subject)).toEqual([
      { name: "s-0", fromMs: 1000, toMs: 21_000 },
      { name: "s-0 + s-1", fromMs: 21_000, toMs: 40_000 },
      { name: "s-0", fromMs: 40_000, toMs: 60_000 },
    ]);
  });

  test("none where all worked all the time, or only one", () => {
    expect(phasesOf(loadRun({ seconds: 20, operations: ["a", "b"] }))).toEqual([]);
    expect(phasesOf(loadRun({ seconds: 20, operations: ["a"] }))).toEqual([]);
  });
});
