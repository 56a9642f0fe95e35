import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderAnnotations } from "../src/github.ts";
import { bare, finding, run, verdict } from "./builders.ts";
import { hostile } from "./hostile.ts";

const lines = (text: string): string[] => text.split("\n").slice(0, -1);

describe("renderAnnotations", () => {
  test("escapes as the runner decodes, with the place of the rule", () => {
    const text = renderAnnotations(
      run(),
      verdict([
        bare({ metric: "a:b,c", rule: "p(95) < 2 %", message: "100 % over", source: { file: "slo,1.yaml", line: 12 } }),
      ]),
    );
    expect(text).toBe("::error file=slo%2C1.yaml,line=12,endLine=12,title=a%3Ab%2Cc p(95) < 2 %25::100 %25 over\n");
  });

  test("errors before warnings, passed and info not at all", () => {
    const states = ["passed", "undecided", "info", "warning", "no-data", "failed"] as const;
    const text = renderAnnotations(run(), verdict(states.map((state) => bare({ state, message: state }))));
    expect(lines(text).map((line) => line.replace(/^::(\w+) .*::/, "$1 "))).toEqual([
      "error failed",
      "error no-data",
      "warning warning",
      "warning can't tell: undecided",
    ]);
  });

  test("ten of a level are shown as they are; of eleven the tenth line counts two more", () => {
    const failed = (count: number) => Array.from({ length: count }, (_, i) => bare({ rule: `rule ${i}` }));
    expect(lines(renderAnnotations(run(), verdict(failed(10))))).toHaveLength(10);
    const eleven = lines(renderAnnotations(run(), verdict([...failed(11), bare({ state: "warning" })])));
    expect(eleven.filter((line) => line.startsWith("::error"))).toHaveLength(10);
    expect(eleven[8]).toContain("rule 8");
    expect(eleven[9]).toContain("…and 2 more");
    expect(eleven[10]).toMatch(/^::warning/);
  });

  test("an invalid run is an error even when every rule holds", () => {
    const invalid = run({ validity: { state: "invalid", reasons: ["starved"] } });
    expect(renderAnnotations(invalid, verdict([bare({ state: "passed" })]))).toMatch(/^::error .*starved\n$/);
  });

  test("whatever the text, one command a line, and only ours", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const output = renderAnnotations(
          run(),
          verdict([finding({ metric: text, rule: text, message: text, source: { file: text, line: 1 } })]),
        );
        expect(lines(output)).toHaveLength(1);
        expect(output).toMatch(/^::error file=[^:,\n]*,line=1,endLine=1,title=[^:,\n]*::[^\n\r]*\n$/);
        expect(output.replace(/%(?:25|0D|0A|3A|2C)/g, "")).not.toContain("%");
      }),
      { numRuns: 200 },
    );
  });
});
