import { defineErrors, exitCodes } from "@mettle/core";
import type { MetricHistory } from "@mettle/report";
import type { RunEntry } from "@mettle/results";
import { describe, expect, test } from "vitest";
import { hostileTexts } from "../../../report/test/hostile.ts";
import { serveHistory } from "../../src/history/history-server.ts";
import { HistorySite, type HistorySource } from "../../src/history/history-site.ts";

const errors = defineErrors({ TOO_LARGE: { next: "Report a part of it.", exitCode: exitCodes.usage } });

const runs: readonly RunEntry[] = Array.from({ length: 4 }, (_, i) => ({
  ordinal: 4 - i,
  id: `0190-${4 - i}`,
  name: "shop",
  kind: "load",
  startedAt: `2026-11-2${4 - i}T08:00:00Z`,
  durationMs: 60_000,
  environmentFingerprint: "abc",
  validity: i === 1 ? "degraded" : "valid",
  ...(i === 0 && { commit: "a1b2c3d4", branch: "main", dirty: true }),
}));

const history = (metric: string, tags: MetricHistory["tags"] = {}): MetricHistory => ({
  metric,
  tags,
  unit: "ns",
  direction: "lower",
  points: runs.toReversed().map(({ startedAt, id }, i) => ({ at: startedAt, runId: id, value: 100 + i })),
  changePoints: [{ index: 2, ratio: 1.5, outcome: "worse" }],
});

function source(more: Partial<HistorySource> = {}): HistorySource {
  return {
    title: "shop",
    version: () => "1",
    runs: () => runs,
    metrics: () => [history("parse.time"), history("parse.time", { size: "10" }), history("PARSE.time")],
    report: (id) => (runs.some((run) => run.id === id) ? `<!doctype html><title>${id}</title>` : undefined),
    ...more,
  };
}

const linksOf = (page: string): string[] =>
  [...page.matchAll(/href="([^"#][^"]*)"/g)].map(([, href = ""]) => href).filter((href) => !href.startsWith("data:"));

describe("a site of history", () => {
  test("every link of every page leads to a page of the site, and every page is led to", () => {
    const site = new HistorySite(source());
    const paths = site.paths();
    expect(paths).toHaveLength(1 + 3 + 4);
    expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length);
    const led = new Set<string>(["index.html"]);
    for (const path of paths.filter((each) => !each.startsWith("runs/"))) {
      for (const href of linksOf(site.page(path) ?? "")) {
        const target = new URL(href, `http://site/${path}`).pathname.slice(1);
        expect(paths, `${path} → ${href}`).toContain(target);
        led.add(target);
      }
    }
    expect([...led].toSorted()).toEqual([...paths].toSorted());
  });

  test("the index has runs, newest first, and metrics; a metric has its points, newest first, and its change", () => {
    const site = new HistorySite(source());
    const index = site.page("index.html") ?? "";
    expect(index.indexOf("runs/0190-4.html")).toBeLessThan(index.indexOf("runs/0190-1.html"));
    expect(index).toContain("a1b2c3d on main, changed");
    expect(index).toContain("01:00 min");
    const path = site.paths().find((each) => each.includes("size-10")) ?? "";
    const metric = site.page(path) ?? "";
    expect(metric).toContain("×1.5");
    expect(metric.indexOf("103 ns")).toBeLessThan(metric.lastIndexOf("100 ns"));
    expect(metric).toContain('href="../runs/0190-3.html"');
  });

  test("reports of only the newest runs, when the site is to stay small", () => {
    const site = new HistorySite(source(), 2);
    expect(site.paths().filter((path) => path.startsWith("runs/"))).toEqual(["runs/0190-4.html", "runs/0190-3.html"]);
    expect(site.page("index.html")).not.toContain("runs/0190-2.html");
  });

  test("a run that no page can be made of has one that says why", () => {
    const report = (): string => {
      throw errors.create("TOO_LARGE", "The run has 30 000 measurements.");
    };
    const page = new HistorySite(source({ report })).page("runs/0190-4.html") ?? "";
    expect(page).toContain("The run has 30 000 measurements.");
    expect(page).toContain("Report a part of it.");
    const broken = (): string => {
      throw new Error("a defect");
    };
    expect(() => new HistorySite(source({ report: broken })).page("runs/x.html")).toThrow("a defect");
  });

  test("what is new is read when it is asked for, and what is not new is not read again", () => {
    let [version, reads] = ["1", 0];
    const site = new HistorySite(
      source({
        version: () => version,
        metrics: () => {
          reads += 1;
          return [history(`metric.${version}`)];
        },
      }),
    );
    site.page("index.html");
    site.page("index.html");
    expect(reads).toBe(1);
    version = "2";
    expect(site.page("index.html")).toContain("metric.2");
    expect(reads).toBe(2);
  });

  test("nothing else is a page", () => {
    const site = new HistorySite(source());
    for (const path of [
      "x",
      "runs/",
      "runs/nothing.html",
      "metrics/nothing.html",
      "runs/../index.html",
      "metrics/../../x.html",
    ])
      expect(site.page(path), path).toBeUndefined();
  });

  test("names of any kind have files, each its own, of letters that every file system takes", () => {
    const metrics = hostileTexts.flatMap((text) => [
      history(text === "" ? "empty" : text),
      history("m", { tag: text }),
    ]);
    const site = new HistorySite(source({ metrics: () => metrics }));
    const files = site.paths().filter((path) => path.startsWith("metrics/"));
    expect(files).toHaveLength(metrics.length);
    for (const file of files) {
      expect(file).toMatch(/^metrics\/[a-z0-9][\w.-]{0,100}\.html$/);
      expect(site.page(file)).not.toMatch(/<img|<iframe|<failure/);
    }
  });

  test("an empty history says so", () => {
    const page = new HistorySite(source({ runs: () => [], metrics: () => [] })).page("index.html") ?? "";
    expect(page).toContain("The history holds no run.");
  });
});

test("the same site from a server: pages when asked for, 404 for what there is not", async () => {
  await using server = await serveHistory(new HistorySite(source()), { host: "127.0.0.1", port: 0 });
  const index = await fetch(server.url);
  expect(index.status).toBe(200);
  expect(await index.text()).toContain("HISTORY");
  expect((await fetch(new URL("/runs/0190-4.html", server.url))).status).toBe(200);
  expect((await fetch(new URL("/runs/0190-9.html", server.url))).status).toBe(404);
  expect((await fetch(new URL("/index.html/../../etc/passwd", server.url))).status).toBe(404);
});
