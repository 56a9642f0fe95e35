import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSelector, parseSelector, selectMeasurements } from "../src/selector.ts";
import { makeMeasurement, makeRun } from "./documents.ts";

describe("a selector", () => {
  it("reads k6's submetrics", () => {
    expect(parseSelector("http_req_duration{status:200, url:http://a/b?c=1}")).toEqual({
      metric: "http_req_duration",
      tags: { status: "200", url: "http://a/b?c=1" },
    });
    expect(parseSelector('m{a:"x,}y"}').tags).toEqual({ a: "x,}y" });
    expect(parseSelector("m{}").tags).toEqual({});
  });
  it.each(["", "a b", "m{a}", "m{a:1,a:2}", "m{a:1", 'm{a:"\\x"}'])("refuses %j", (text) => {
    expect(() => parseSelector(text)).toThrow(expect.objectContaining({ code: "SELECTOR_SYNTAX" }));
  });
  it("is written so that it reads back", () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_.]{0,8}$/).filter((each) => each !== "__proto__");
    fc.assert(
      fc.property(name, fc.dictionary(name, fc.string({ unit: "binary", maxLength: 8 })), (metric, tags) => {
        expect(parseSelector(formatSelector({ metric, tags }))).toEqual({ metric, tags: { ...tags } });
      }),
      { numRuns: 1000, seed: 4 },
    );
  });
});

it("means the aggregate where there is one, every part where there is none", () => {
  const of = (tags: Record<string, string>) => makeMeasurement("m", { count: 1 }, { tags });
  const parts = [of({ path: "/a", code: "200" }), of({ path: "/b", code: "200" })];
  const run = makeRun([of({}), ...parts]);
  expect(selectMeasurements(run, parseSelector("m"))).toEqual([of({})]);
  expect(selectMeasurements(run, parseSelector("m{code:200}"))).toEqual(parts);
  expect(selectMeasurements(run, parseSelector("m{code:500}"))).toEqual([]);
});
