import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderJunit } from "../src/junit.ts";
import { bare, finding, run, sampleRun, sampleVerdict, verdict } from "./builders.ts";
import { hostile } from "./hostile.ts";
import { elementsNamed, parseXml } from "./xml.ts";

describe("renderJunit", () => {
  test("a case for each finding; no data fails, undecided is skipped", () => {
    const root = parseXml(renderJunit(sampleRun(), sampleVerdict()));
    const suite = elementsNamed(root, "testsuite")[0];
    expect(suite?.attributes).toEqual({
      name: "registry",
      tests: "6",
      failures: "3",
      errors: "0",
      skipped: "1",
      time: "48.210",
      timestamp: "2026-11-21T08:07:00",
    });
    const cases = elementsNamed(root, "testcase");
    expect(cases.map(({ children }) => children[0]?.name)).toEqual([
      "failure",
      "failure",
      "failure",
      "skipped",
      undefined,
      undefined,
    ]);
    expect(cases[0]?.attributes).toMatchObject({
      classname: "registry",
      name: "registry.lookup.time p(95) < 20ns",
      time: "0",
    });
    expect(cases[2]?.children[0]?.attributes).toMatchObject({
      type: "no-data",
      message: "No measurement has this name.",
    });
    expect(cases[3]?.children[0]?.attributes["message"]).toMatch(/^can't tell: /);
    expect(cases[1]?.children[0]?.text).toContain("all 14 process pairs agree in sign\n");
  });

  test("a warning passes and carries its message", () => {
    const root = parseXml(renderJunit(run(), verdict([finding({ state: "warning", message: "close" })])));
    expect(elementsNamed(root, "failure")).toHaveLength(0);
    expect(elementsNamed(root, "system-out")[0]?.text).toContain("close");
  });

  test("an invalid run without a failed finding has an error of its own, and no rules is never a pass", () => {
    const invalid = run({ validity: { state: "invalid", reasons: ["starved"] } });
    const passed = verdict([finding({ state: "passed" })], { status: "invalid", title: "INVALID", exitCode: 5 });
    expect(elementsNamed(parseXml(renderJunit(invalid, passed)), "error")[0]?.attributes["message"]).toContain(
      "starved",
    );
    const empty = parseXml(renderJunit(run(), verdict([])));
    expect(elementsNamed(empty, "skipped")).toHaveLength(1);
    expect(elementsNamed(empty, "testsuite")[0]?.attributes).toMatchObject({ tests: "1", skipped: "1" });
  });

  test("an unreadable time is an error with a code", () => {
    expect(() => renderJunit(run({ startedAt: "yesterday" }), verdict([]))).toThrow(
      expect.objectContaining({ code: "REPORT_TIME_INVALID" }),
    );
  });

  test("well-formed whatever the names; the counts are those of the cases", () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom("failed", "no-data", "undecided", "warning", "passed"), (text, state) => {
        const judged = verdict(
          [
            finding({
              state,
              metric: text,
              rule: text,
              message: text,
              evidence: [text, text],
              recommendation: text,
              source: { file: text, line: 3 },
            }),
            bare({ state: "failed", rule: text, tags: { [text]: text } }),
          ],
          { title: text },
        );
        const root = parseXml(
          renderJunit(run({ name: text, validity: { state: "degraded", reasons: [text] } }), judged),
        );
        const count = (name: string): string => String(elementsNamed(root, name).length);
        expect(root.attributes).toMatchObject({
          tests: "2",
          failures: count("failure"),
          skipped: count("skipped"),
          errors: count("error"),
        });
      }),
      { numRuns: 120 },
    );
  });
});

describe("the checker itself", () => {
  test.each([
    "<a>&</a>",
    "<a>&nope;</a>",
    "<a><b></a></b>",
    '<a x="<"/>',
    '<a x="1" x="2"/>',
    "<a/><b/>",
    "<a>\u0001</a>",
    "<a>&#1;</a>",
    "<a>",
    "x<a/>",
  ])("refuses %j", (source) => {
    expect(() => parseXml(source)).toThrow();
  });
});
