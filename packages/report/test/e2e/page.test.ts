import { judge } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderHtml } from "../../src/html/render-html.ts";
import { comparison, measurement, run, sampleRun, sampleVerdict } from "../builders.ts";
import { hostileTexts } from "../hostile.ts";
import { loadRun } from "../html/load-run.ts";
import { accessibilityProblems, addressOf, chromiumPath, mustHaveBrowser, Pages } from "./browser.ts";

const policy = {
  thresholds: {
    "http_req_response_time{name:execute,scenario:s-1}": ["p(95) < 200ms"],
    "http_req_response_time{name:search,scenario:s-0}": ["p(95) < 200ms"],
    "http_req_response_time{name:cancel}": ["p(95) < 200ms"],
  },
};
const shop = loadRun({
  seconds: 60,
  operations: ["search", "execute", "login"],
  median: (operation, second) => (operation === 1 && second >= 20 && second < 40 ? 500e6 : 20e6),
  failing: (operation, second) => (operation === 1 && second >= 30 && second < 33 ? 0.1 : 0),
  active: (operation) => (operation === 2 ? [10, 50] : [0, 60]),
});

test.runIf(mustHaveBrowser)("there is a browser to test with", () => {
  expect(chromiumPath).toBeDefined();
});

describe.skipIf(chromiumPath === undefined)("the page in a browser", () => {
  let pages: Pages;
  let failed: string;
  let bench: string;
  beforeAll(async () => {
    pages = await Pages.open();
    failed = pages.write("failed.html", renderHtml(shop, judge(shop, { policy }), { baseline: shop }));
    bench = pages.write("bench.html", renderHtml(sampleRun(), sampleVerdict()));
  });
  afterAll(async () => {
    await pages?.[Symbol.asyncDispose]();
  });

  test("the first screen holds verdict, trust, failures, rules, charts and the worst operation without scrolling", async () => {
    const page = await pages.show(failed, { javaScriptEnabled: false });
    for (const selector of [
      "h1",
      ".trust",
      ".trouble li >> nth=1",
      ".rules.short tbody tr >> nth=2",
      ".charts svg >> nth=1",
      ".operations tbody tr >> nth=0",
    ]) {
      const box = await page.locator(selector).boundingBox();
      expect(box, selector).not.toBeNull();
      expect((box?.y ?? 0) + (box?.height ?? 0), selector).toBeLessThanOrEqual(800);
    }
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1280);
    await page.context().close();
  });

  test("nothing is missing without scripts, and no tool that needs one is shown", async () => {
    const [bare, full] = [await pages.show(failed, { javaScriptEnabled: false }), await pages.show(failed)];
    const textOf = (page: typeof bare): Promise<string> => page.locator("main").innerText();
    // The question marks are buttons, whose place in a line may differ.
    const letters = (text: string): string => text.replaceAll(/[\s?]/g, "");
    expect(letters(await textOf(bare))).toBe(letters(await textOf(full)));
    expect(await bare.locator(".tools").isVisible()).toBe(false);
    expect(await full.locator(".tools").isVisible()).toBe(true);
    // Details open, explanations appear, links lead: all without a script.
    await bare.locator("details.detail >> nth=0 >> summary >> nth=0").click();
    expect(await bare.locator("details.detail >> nth=0 >> figure >> nth=1").isVisible()).toBe(true);
    await bare.locator(".hint >> nth=0").click();
    expect(await bare.locator("#term-validity").isVisible()).toBe(true);
    await Promise.all([bare.context().close(), full.context().close()]);
  });

  test.each(["light", "dark"] as const)(
    "accessible in %s, with everything open (axe-core, WCAG 2.2 AA)",
    async (colorScheme) => {
      for (const url of [failed, bench]) {
        const page = await pages.show(url, { colorScheme });
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
        expect(await accessibilityProblems(page)).toEqual([]);
        await page.context().close();
      }
    },
  );

  test("by keyboard: skip link, sections, explanation, filter, an operation's details, a chart's values", async () => {
    const page = await pages.show(failed);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("content");
    await page.keyboard.press("/");
    await page.keyboard.type("search");
    expect(await page.locator(".operations tbody tr:visible").count()).toBe(1);
    expect(await page.locator("#status").textContent()).toMatch(/^\d+ rows match$/);
    await page.locator(".operations a.open:visible").focus();
    await page.keyboard.press("Enter");
    expect(await page.locator("tr.inserted figure >> nth=0").isVisible()).toBe(true);
    expect(await page.locator(".operations a.open:visible").getAttribute("aria-expanded")).toBe("true");
    await page.locator("svg.time >> nth=0").focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#status").textContent()).toMatch(/^0:3\d {2}p99 \d/);
    await page.keyboard.press("+");
    expect(new URL(await addressOf(page)).hash).toMatch(/&t=\d+(\.\d)?-\d+(\.\d)?/);
    await page.keyboard.press("Escape");
    expect(new URL(await addressOf(page)).hash).not.toContain("t=");
    await page.context().close();
  });

  test("the address brings everything back: section, filter, order, details, time, theme", async () => {
    const page = await pages.show(failed);
    await page.locator("#filter").fill("http");
    await page.locator("#filter").fill("e");
    await page.locator('.operations th:has-text("p50") button.sort').click();
    await page.locator(".operations a.open >> nth=0").click();
    await page.locator("svg.time >> nth=0").focus();
    await page.keyboard.press("+");
    await page.locator("#theme").click();
    await page.locator('nav a[href="#validity"]').click();
    const look = (of: typeof page): Promise<unknown> =>
      of.evaluate(`({
        rows: [...document.querySelectorAll(".operations > tbody > tr:not([hidden]) > th")].map((each) => each.textContent),
        open: [...document.querySelectorAll("tr.inserted details")].map((each) => each.id),
        plot: document.querySelector("svg.plot").getAttribute("viewBox"),
        theme: document.documentElement.dataset.theme,
        filter: document.getElementById("filter").value,
        sorted: document.querySelector(".operations th[aria-sort]").textContent,
      })`);
    const again = await pages.show(await addressOf(page));
    expect(await look(again)).toEqual(await look(page));
    expect(new URL(await addressOf(again)).hash).toMatch(/^#validity&/);
    const top = await again.locator("#validity").boundingBox();
    expect(top?.y ?? 999).toBeLessThan(800);
    await Promise.all([page.context().close(), again.context().close()]);
  });

  test("a broken address is no fault", async () => {
    const page = await pages.show(`${failed}#nowhere&q=%E0%A4%A&t=x-y&sort=99.99.z&open=op-999,<script>&theme=pink`);
    expect(await page.locator("h1").isVisible()).toBe(true);
    await page.context().close();
  });

  test("values read off a chart are those of the document", async () => {
    const page = await pages.show(failed);
    const series = shop.measurements.find(
      ({ metric, tags }) => metric === "http_req_response_time" && tags["name"] === "execute",
    )?.series;
    const box = await page.locator("svg.time >> nth=0 >> svg.plot").evaluate((plot) => {
      const outer = plot.parentElement!.getBoundingClientRect();
      const scale = outer.width / 600;
      return {
        left: outer.left + Number(plot.getAttribute("x")) * scale,
        width: Number(plot.getAttribute("width")) * scale,
        top: outer.top + 20,
      };
    });
    for (const second of [10, 25, 45]) {
      await page.mouse.move(box.left + (box.width * second) / 60, box.top);
      const text = (await page.locator(".charts .readout >> nth=0").textContent()) ?? "";
      const shown = /p95 ([\d.]+) (ms|s)/.exec(text);
      const value = Number(shown?.[1]) * (shown?.[2] === "s" ? 1e9 : 1e6);
      const exact = series?.values["p95"]?.[second - 1] ?? Number.NaN;
      expect(Math.abs(value / exact - 1), `${text} against ${exact}`).toBeLessThan(0.02);
    }
    await page.context().close();
  });

  test("a flame graph is looked into by pointer and by keys; the address keeps the frame; a table says the same", async () => {
    const leaf = (name: string, self: number) => ({
      name,
      location: `work.ts:${self}`,
      self,
      total: self,
      children: [],
    });
    const parse = { name: "parse", self: 10, total: 100, children: [leaf("tokens", 60), leaf("tree", 30)] };
    const root = { name: "(root)", self: 0, total: 150, children: [parse, leaf("other", 50)] };
    const profiles = [{ title: "registry > lookup", unit: "ms" as const, root }];
    const url = pages.write("flame.html", renderHtml(sampleRun(), sampleVerdict(), { profiles }));
    const page = await pages.show(url);
    const widthOf = (name: string): Promise<number> =>
      page.evaluate(
        `Number([...document.querySelectorAll("svg.flame g")].find((each) => each.textContent.startsWith(${JSON.stringify(name)})).querySelector("rect").getAttribute("width"))`,
      );
    const isShown = (name: string): Promise<boolean> =>
      page.locator(`svg.flame g:has(title:text("${name}")) rect`).first().isVisible();
    expect(await widthOf("tokens")).toBe(0.4 * 1200 - 0.5);
    await page.locator("svg.flame").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(await page.locator("#status").textContent()).toBe("tokens, work.ts:60, 60.0 ms, 40.0 %; itself 60.0 ms");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#status").textContent()).toMatch(/^tree,/);
    await page.keyboard.press("ArrowUp");
    expect(await page.locator("#status").textContent()).toMatch(/^parse,/);
    await page.keyboard.press("Enter");
    expect(await widthOf("tokens")).toBeCloseTo(0.6 * 1200 - 0.5, 0);
    expect(await isShown("other")).toBe(false);
    expect(new URL(await addressOf(page)).hash).toMatch(/&flame=0\.\d+/);
    const again = await pages.show(await addressOf(page));
    expect(await again.locator("svg.flame").innerHTML()).toContain('width="719.');
    await page.keyboard.press("Escape");
    expect(new URL(await addressOf(page)).hash).not.toContain("flame");
    expect(await isShown("other")).toBe(true);
    await page.locator("svg.flame g:has(title:text('tree')) rect").click();
    expect(await widthOf("tree")).toBeCloseTo(1199.5, 0);
    await page.locator("#filter").fill("tokens");
    expect(await page.locator("svg.flame g:not(.faint)").count()).toBe(1);
    expect(await page.locator("#profiles tbody tr:visible").allInnerTexts()).toEqual([
      "tokens\twork.ts:60\t60.0 ms\t40.0 %",
    ]);
    expect(await accessibilityProblems(page)).toEqual([]);
    await Promise.all([page.context().close(), again.context().close()]);
  });

  test("printed, details are open and tools are gone", async () => {
    const page = await pages.show(failed);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("nav").isVisible()).toBe(false);
    expect(await page.locator("details.detail >> nth=0 >> figure >> nth=1").isVisible()).toBe(true);
    expect((await page.pdf()).length).toBeGreaterThan(20_000);
    await page.context().close();
  });

  test("the JSON button gives what is embedded", async () => {
    const page = await pages.show(failed);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
    expect(download.suggestedFilename()).toBe("report.json");
    const { readFileSync } = await import("node:fs");
    expect(JSON.parse(readFileSync(await download.path(), "utf8"))).toMatchObject({ schema: "mettle.report/1" });
    await page.context().close();
  });

  test("hostile names are text on the screen: nothing runs, nothing overflows, nothing is asked for", async () => {
    const measurements = hostileTexts.flatMap((text, i) => [
      measurement(`own.${i}.time`, 10 + i, { tags: { text }, notes: [text] }),
      measurement(text, 10 + i, { unit: "bytes", tags: { text } }),
    ]);
    const subject: Run = run({
      name: hostileTexts[1] ?? "",
      measurements,
      validity: { state: "degraded", reasons: [...hostileTexts] },
    });
    const url = pages.write("hostile.html", renderHtml(subject, judge(subject)));
    const page = await pages.show(url);
    page.on("dialog", () => pages.complaints.push("a dialog opened"));
    expect(await page.evaluate("document.scripts.length")).toBe(2);
    expect(await page.evaluate("document.querySelectorAll('main img, main iframe, main b, failure').length")).toBe(0);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1280);
    const head = await page.locator("header.head").boundingBox();
    expect(head?.height ?? 999).toBeLessThan(260);
    await page.context().close();
  });

  test("narrow screens: the page itself does not scroll sideways, and rules and reasons are whole", async () => {
    const page = await pages.show(failed, { viewport: { width: 375, height: 700 } });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
    const cut =
      "[...document.querySelectorAll('.rules.short th[scope=row], .trouble .why')].filter((each) => each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight + 1)";
    expect(await page.evaluate(`${cut}.map((each) => each.textContent)`)).toEqual([]);
    await page.context().close();
  });

  test("ten minutes of thirty series: first paint and ready within twice their goals of 300 ms and a second (the best of some)", async () => {
    const subject = loadRun({ seconds: 600, operations: Array.from({ length: 8 }, (_, i) => `operation-${i}`) });
    const url = pages.write("ten-minutes.html", renderHtml(subject, judge(subject, { policy })));
    const empty = pages.write("empty.html", "<!doctype html><title>empty</title><p>empty");
    const best = { paint: Number.POSITIVE_INFINITY, ready: Number.POSITIVE_INFINITY, empty: Number.POSITIVE_INFINITY };
    // An empty page paints within 50 ms on two free cores; where it takes longer, by so much the machine is taken. What the
    // goals themselves come to is told by bench/report/pages.ts; here a machine's other work must not decide.
    const crowding = (): number => 2 * Math.max(1, best.empty / 50);
    for (let i = 0; i < 12 && (i < 3 || best.paint > 300 * crowding() || best.ready > 1000 * crowding()); i++) {
      best.empty = Math.min(best.empty, (await timesOf(empty)).paint);
      const { paint, ready } = await timesOf(url);
      best.paint = Math.min(best.paint, paint);
      best.ready = Math.min(best.ready, ready);
    }
    expect(best.paint, JSON.stringify(best)).toBeLessThanOrEqual(300 * crowding());
    expect(best.ready, JSON.stringify(best)).toBeLessThanOrEqual(1000 * crowding());
  });

  async function timesOf(url: string): Promise<{ readonly paint: number; readonly ready: number }> {
    const page = await pages.show(url);
    const paint = (await page.evaluate(
      `new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true }))`,
    )) as number;
    const ready = (await page.evaluate(
      "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd",
    )) as number;
    await page.context().close();
    return { paint, ready };
  }

  test.each([
    [
      "1 000 benchmarks",
      (): Run => {
        const names = Array.from({ length: 1000 }, (_, i) => `suite-${i % 40}.case-${i}.time`);
        return run({
          measurements: names.map((name, i) => measurement(name, 10 + i)),
          comparisons: names.map((name, i) => comparison(name, 1 + (i % 7) / 100)),
        });
      },
    ],
    [
      "500 operations",
      (): Run => loadRun({ seconds: 10, operations: Array.from({ length: 500 }, (_, i) => `operation-${i}`) }),
    ],
  ])("%s: a keystroke in the filter within 50 ms (the best of ten)", async (name, subject) => {
    const page = await pages.show(pages.write(`${name}.html`, renderHtml(subject(), undefined)));
    const times = (await page.evaluate(`(() => {
      const input = document.getElementById("filter");
      const times = [];
      for (const text of ["1", "12", "123", "12", "1", "9", "98", "987", "98", ""]) {
        const begun = performance.now();
        input.value = text;
        input.dispatchEvent(new Event("input"));
        document.body.getBoundingClientRect();
        times.push(performance.now() - begun);
      }
      return times;
    })()`)) as number[];
    expect(Math.min(...times)).toBeLessThanOrEqual(50);
    await page.locator("#filter").fill("987");
    expect(await page.locator("table.sortable >> nth=0 >> tbody > tr:visible").count()).toBe(
      name.startsWith("1") ? 1 : 0,
    );
    await page.context().close();
  });

  test("no page wrote to the console, threw, or asked for anything", () => {
    expect(pages.complaints).toEqual([]);
  });
});
