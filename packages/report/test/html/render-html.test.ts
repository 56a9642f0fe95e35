import { MettleError } from "@mettle/core";
import { judge } from "@mettle/judge";
import { decodeRun, type Run, validityStates } from "@mettle/results";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderHtml } from "../../src/html/render-html.ts";
import { bare, comparison, finding, measurement, run, sampleRun, sampleVerdict, verdict } from "../builders.ts";
import { hostile, hostileTexts } from "../hostile.ts";
import { loadRun } from "./load-run.ts";
import { hashesOf, readPage } from "./page-text.ts";

const measured = loadRun({
  seconds: 60,
  operations: ["search", "execute"],
  median: (operation, second) => (operation === 1 && second >= 20 && second < 40 ? 500e6 : 20e6),
  failing: (operation, second) => (operation === 1 && second >= 30 && second < 33 ? 0.1 : 0),
});
const shop = (more: Partial<Run> = {}): Run => ({ ...measured, ...more });
const policy = {
  thresholds: {
    "http_req_response_time{name:execute,scenario:s-1}": ["p(95) < 200ms"],
    "http_req_failed{name:execute,scenario:s-1}": ["rate < 0.001"],
    "http_req_response_time{name:search,scenario:s-0}": ["p(95) < 200ms"],
    "http_req_response_time{name:cancel}": ["p(95) < 200ms"],
  },
};

describe("the first screen", () => {
  const judged = judge(shop(), { policy });
  const page = readPage(renderHtml(shop(), judged));

  test("says whether it passed, in the window's title too", () => {
    expect(page.title).toContain("FAILED: 2 of 4 limits missed, 1 without an answer");
    expect(page.firstScreen).toContain("✗ FAILED 2 of 4 limits missed");
  });

  test("says what failed, by how much and since when, the furthest over its allowance first", () => {
    const [times, failures] = ["http_req_response_time", "http_req_failed"].map(
      (metric) =>
        judged.findings.find((each) => each.metric === metric && each.tags?.["name"] === "execute")?.consumed ?? 0,
    );
    expect(failures).toBeGreaterThan(times ?? 0);
    expect(page.firstScreen).toMatch(
      /What failed ✗ execute http_req_failed scenario=s-1 rate < 0\.001 0\.5 % \(limit 0\.1 %\), 500 % of the allowance, from 00:31 to 00:33 \(5\.0 % of the time\)/,
    );
    expect(page.firstScreen).toMatch(
      /execute http_req_response_time .* p\(95\) < 200ms \d+ ms \(limit 200 ms\), 3\d\d % of the allowance, from 00:21 to 00:40/,
    );
  });

  test("says whether the measurement can be believed, and by which figures", () => {
    expect(page.firstScreen).toMatch(/Measurement VALID .* 100 % of the schedule sent · start delay p99 /);
    expect(page.firstScreen).toContain("2,400 requests");
  });

  test("a miss by little is not told as the limit itself", () => {
    const close = finding({ state: "failed", metric: "http_req_failed", actual: 0.0010012, limit: 0.001, unit: "1" });
    const told = readPage(renderHtml(shop(), verdict([close]))).firstScreen;
    expect(told).toContain("0.1001 % (limit 0.1 %)");
  });

  test("no data is told as such, and never counts as a pass", () => {
    expect(page.firstScreen).toMatch(/○ cancel http_req_response_time p\(95\) < 200ms no data/);
  });

  test("what all requests together do not keep is with their operations, not lost", () => {
    const details = page.section("operation-details");
    const [own, total = ""] = details.split(/ all http_req_response_time /);
    expect(own).toContain("Slowest requests: not kept in the run.");
    expect(total).toContain("Slowest requests: with the operations that they are of.");
    expect(total).toContain("Kinds of errors: with the operations that they are of.");
  });

  test("when all passed it shows what is closest to its limit", () => {
    const held = {
      thresholds: { "http_req_response_time{name:search,scenario:s-0}": ["p(95) < 200ms"], http_reqs: ["count > 10"] },
    };
    const passed = readPage(renderHtml(shop(), judge(shop(), { policy: held })));
    expect(passed.firstScreen).toMatch(/✓ PASSED 2 of 2 limits held/);
    expect(passed.firstScreen).toMatch(/Closest to the limit ✓ search http_req_response_time .* of the allowance/);
  });

  test("without a verdict it claims nothing", () => {
    const measured = readPage(renderHtml(shop(), undefined));
    expect(measured.firstScreen).toContain(
      "MEASURED 16 metrics, judged by no rule".replace("16", String(shop().measurements.length)),
    );
    expect(measured.firstScreen).not.toMatch(/PASSED|FAILED/);
  });
});

describe("an invalid run is never green", () => {
  const statuses = ["passed", "warning", "failed", "invalid", undefined] as const;
  const all = validityStates.flatMap((state) => statuses.map((status) => [state, status] as const));

  test.each(all)("measurement %s, verdict %s", (state, status) => {
    const subject = run({ validity: { state, reasons: state === "valid" ? [] : ["starved of processor"] } });
    const title = `${status?.toUpperCase() ?? ""}: 1 of 1 limits held`;
    const page = renderHtml(subject, status && verdict([finding({ state: "passed" })], { status, title }));
    const isInvalid = state === "invalid" || status === "invalid";
    expect(/<body class="(\w+)"/.exec(page)?.[1]).toBe(isInvalid ? "invalid" : (status ?? "measured"));
    expect(page.includes(`<header class="head passed">`)).toBe(!isInvalid && status === "passed");
    // The icon's green and the title's word.
    expect(page.includes("%231a7f45")).toBe(!isInvalid && status === "passed");
    expect(readPage(page).title.startsWith("INVALID")).toBe(isInvalid);
    expect(readPage(page).firstScreen).toContain(state.toUpperCase());
    if (state !== "valid") expect(readPage(page).firstScreen).toContain("starved of processor");
  });
});

describe("sections (S0-169)", () => {
  const judged = sampleVerdict();
  const bench = readPage(renderHtml(sampleRun(), judged));

  test("benchmarks: median, memory, GC, and the change with its interval and a word", () => {
    const text = bench.section("benchmarks");
    expect(text).toMatch(
      /registry\.lookup 19\.8 ns ±0\.4 % 24\.8 ns 50\.4 M\/s 0 B 0 \+3\.1 % \[\+2\.2, \+4\.0\] slower/,
    );
    expect(text).toMatch(/registry\.register 1\.21 µs .* 312 B 14 −8\.8 % \[−9\.7, −7\.9\] faster/);
    expect(text).toMatch(/registry\.snapshot .* can't tell/);
    expect(text).toMatch(/registry\.capability-match .* no change/);
    // Slower ones first, and a case that nobody compared last.
    expect(text.indexOf("registry.lookup")).toBeLessThan(text.indexOf("registry.register"));
    expect(text).toMatch(/registry\.noop 0\.310 ns [^a-z]* ns \S+ G\/s – – –$/);
  });

  test("what was not measured says so and why", () => {
    expect(bench.section("operations")).toContain("Not measured. This run sent no load.");
    expect(bench.section("history")).toContain("Not measured.");
    expect(bench.section("requirements")).toContain("Not measured.");
    expect(bench.section("resources")).toContain("Not measured.");
    const load = readPage(renderHtml(shop(), undefined));
    expect(load.section("benchmarks")).toContain("Not measured. This run timed no benchmark.");
    expect(load.section("rules")).toContain("Not judged.");
    expect(load.section("regressions")).toContain("Not measured.");
  });

  test("every rule with its evidence and what to do", () => {
    const text = bench.section("rules");
    for (const { message, evidence, recommendation } of judged.findings) {
      for (const fact of [message, ...evidence, recommendation ?? ""]) expect(text).toContain(fact);
    }
  });

  test("operations: one row each, worst first, the total last, with the figures of the document", () => {
    const page = readPage(renderHtml(shop(), judge(shop(), { policy })));
    const text = page.section("operations");
    expect(text.indexOf("execute")).toBeLessThan(text.indexOf("search"));
    expect(text.indexOf("search")).toBeLessThan(text.indexOf(" all "));
    expect(text).toMatch(/execute 1,200 20\.0 0\.50 % 2\d\.\d ms/);
  });

  test("history: the level's moves with their commit", () => {
    const points = Array.from({ length: 30 }, (_, i) => ({
      at: `2026-11-${String(i + 1).padStart(2, "0")}T00:00:00Z`,
      value: i < 20 ? 100 : 140,
      commit: `c0ffee${i}aaaa`,
    }));
    const history = [
      {
        metric: "registry.lookup.time",
        tags: {},
        unit: "ns" as const,
        direction: "lower" as const,
        points,
        changePoints: [{ index: 20, ratio: 1.4, outcome: "worse" as const }],
      },
    ];
    const text = readPage(renderHtml(sampleRun(), judged, { history })).section("history");
    expect(text).toContain("+40.0 % slower since 21 Nov 2026 00:00 UTC, c0ffee2");
    const unsearched = { ...history[0]!, metric: "b.time", changePoints: undefined };
    const { changePoints: _, ...none } = unsearched;
    expect(readPage(renderHtml(sampleRun(), judged, { history: [none] })).section("history")).toContain(
      "Not searched for changes",
    );
  });

  test("requirements: who answers, and the worst rule on it", () => {
    const subject = run({ measurements: [measurement("a.time", 1, { requirement: ["S4-040"] })] });
    const rules = verdict([
      finding({ state: "passed", requirement: ["S4-040"] }),
      finding({ id: "b", state: "failed", requirement: ["S4-040", "S4-041"] }),
    ]);
    const text = readPage(renderHtml(subject, rules)).section("requirements");
    expect(text).toMatch(/S4-040 ✗ failed 2 1 a\.time S4-041 ✗ failed 1 0/);
  });

  test("nothing measured is left out", () => {
    const odd = measurement("queue.depth", 7, { unit: "count" });
    const page = readPage(renderHtml(run({ measurements: [...sampleRun().measurements, odd] }), undefined));
    expect(page.section("measurements")).toMatch(/queue\.depth 7 /);
    const load = readPage(renderHtml({ ...shop(), measurements: [...shop().measurements, odd] }, undefined));
    expect(load.section("measurements")).toMatch(/queue\.depth 7 /);
  });

  test("validity: a failed self-check is no footnote", () => {
    const selfCheck = { ratio: 1.04, low: 1.02, high: 1.06, detectable: 0.02 };
    const subject = run({ comparisons: [comparison("registry.lookup.time", 1.1, { selfCheck })] });
    const page = readPage(renderHtml(subject, undefined));
    expect(page.firstScreen).toContain("self-check FAILED");
    expect(page.section("validity")).toContain("FAILED same code differed by +4.0 %");
  });
});

describe("one file, closed to the outside", () => {
  const page = renderHtml(shop(), judge(shop(), { policy }), { baseline: shop() });

  test("the policy allows its own style and script, letter by letter, and nothing else", () => {
    const { style, script } = hashesOf(page);
    const content = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(content).toBe(
      `default-src 'none'; style-src ${style}; script-src ${script}; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).not.toMatch(/\s(?:style|on\w+)="/);
    expect(page).not.toMatch(/(?:src|href|action)="(?!#|data:image\/svg\+xml,)/);
    expect(
      [...page.matchAll(/https?:\/\/[^\s'"<&]*/g)]
        .map(([url]) => url)
        .filter((url) => url !== "http://www.w3.org/2000/svg"),
    ).toEqual([]);
  });

  test("ids are unique, and every link and button inside leads somewhere", () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(new Set(ids).size);
    const targets = [...page.matchAll(/(?:href="#|popovertarget="|aria-labelledby=")([^"]+)"/g)].map(([, id]) => id);
    expect(targets.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test("the data for machines is the run and the verdict, and the run in it is a valid document", () => {
    const judged = judge(shop(), { policy });
    const { data } = readPage(page);
    expect(data.schema).toBe("mettle.report/1");
    const embedded = decodeRun(JSON.stringify(data.run));
    expect(embedded.measurements.map(({ summary }) => summary)).toEqual(
      shop().measurements.map(({ summary }) => summary),
    );
    expect(data.verdict).toEqual(judged);
    expect(data.leftOut).toContain("measurements[].series");
  });

  test("the same input gives the same page", () => {
    expect(renderHtml(shop(), judge(shop(), { policy }), { baseline: shop() })).toBe(page);
  });
});

describe("hostile text", () => {
  const brief = loadRun({ seconds: 8, operations: ["search", "execute"] });
  const page = (text: string): string => {
    const tags = { name: text, [`tag${text}`.slice(0, 300)]: text };
    const subject: Run = {
      ...brief,
      name: text,
      revision: { commit: "a1b2c3d4", branch: text, dirty: true },
      validity: { state: "degraded", reasons: [text] },
      failures: [{ code: "BENCH_PROCESS_DIED", message: text }],
    };
    const measurements = [
      ...subject.measurements.map((each) =>
        each.tags["name"] === "execute" ? { ...each, tags: { ...each.tags, ...tags }, notes: [text] } : each,
      ),
      measurement(`own.${text}`, 3, { tags, errors: { count: 1, kinds: { [text]: 1 } }, requirement: [text] }),
    ];
    const rules = verdict(
      [
        finding({
          metric: text,
          tags,
          rule: text,
          message: text,
          evidence: [text],
          recommendation: text,
          source: { file: text, line: 1 },
        }),
        bare({
          id: "r",
          kind: "regression",
          metric: text,
          rule: text,
          message: text,
          change: { ratio: 1.2, low: 1.1, high: 1.3, outcome: "worse", against: text },
        }),
      ],
      { title: `FAILED: ${text}`, recommendations: [text] },
    );
    return renderHtml({ ...subject, measurements }, rules);
  };
  const tame = readPage(page("harmless")).structure;

  test.each(hostileTexts.map((text) => [text.slice(0, 40), text]))(
    "%s changes no element and no attribute",
    (_, text) => {
      const rendered = page(text);
      const { structure, data } = readPage(rendered);
      // What a browser reads as elements is the same, whatever a name holds: phases are named in the chart only if they fit.
      expect(structure).toEqual(tame);
      expect(rendered.match(/<script/g)).toHaveLength(2);
      expect((data.run as Run).name).toBe(text.toWellFormed() === text ? text : (data.run as Run).name);
      expect(rendered).not.toMatch(
        /[\u202a-\u202e\u2066-\u2069]/u.test(JSON.stringify(data)) ? /<bdi>[^<]*\u202e/u : /\u202e/u,
      );
      expect(rendered.length).toBeLessThan(text.length > 5000 ? 8e6 : 600_000);
    },
  );

  test("nor does any other text", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(readPage(page(text)).structure).toEqual(tame);
      }),
      { numRuns: 12 },
    );
  });
});

describe("size", () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `operation-${i}`);

  test("ten minutes of thirty series are under 500 KB", () => {
    const subject = loadRun({ seconds: 600, operations: names(8) });
    expect(subject.measurements.filter(({ series }) => series).length).toBeGreaterThanOrEqual(30);
    expect(Buffer.byteLength(renderHtml(subject, judge(subject, { policy })))).toBeLessThan(500_000);
  });

  test("a day of thirty series is under 3 MB, and a stall of one second in it is still drawn", () => {
    const subject = loadRun({
      seconds: 86_400,
      step: 30,
      operations: names(8),
      median: (operation, second) => (operation === 0 && second === 43_200 ? 9e9 : 20e6),
    });
    const page = renderHtml(subject, undefined);
    expect(Buffer.byteLength(page)).toBeLessThan(3_000_000);
    const worst = subject.measurements.find(
      ({ tags, metric }) => tags["name"] === "operation-0" && metric === "http_req_response_time",
    );
    const greatest = Math.max(...(worst?.series?.values["p99"] ?? []).map((value) => value ?? 0));
    const chart = /data-top="(\d+)"[\s\S]*?class="line extreme"[^>]* d="M\d+ (\d+)([^"]*)"/.exec(page);
    let y = Number(chart?.[2]);
    let least = y;
    for (const [, , dy] of (chart?.[3] ?? "").matchAll(/l(-?\d+) ?(-?\d+)/g))
      least = Math.min(least, (y += Number(dy)));
    const drawn = (1 - least / 10_000) * Number(chart?.[1]);
    expect(Math.abs(drawn / greatest - 1)).toBeLessThan(0.001);
  });

  test("what would make a page that nobody can open is refused with advice", () => {
    const one = measurement("a.time", 1);
    const refused = (subject: Run): MettleError => {
      try {
        renderHtml(subject, undefined);
      } catch (error) {
        if (error instanceof MettleError) return error;
        throw error;
      }
      throw new Error("it was not refused");
    };
    const many = refused(run({ measurements: Array.from({ length: 20_001 }, () => one) }));
    expect([many.code, many.exitCode]).toEqual(["REPORT_TOO_LARGE", 2]);
    expect(many.next).toContain("--csv");
    const atMs = { length: 3_000_000 } as unknown as readonly number[];
    const long = refused(
      run({
        measurements: [
          measurement("b.time", 1, { series: { atMs, values: { a: [], b: [], c: [], d: [], e: [], f: [], g: [] } } }),
        ],
      }),
    );
    expect(long.message).toContain("21000000 values over time");
  });
});
