import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { accessibilityProblems, chromiumPath, mustHaveBrowser } from "../../../report/test/e2e/browser.ts";
import { hostileTexts } from "../../../report/test/hostile.ts";
import { LiveServer } from "../../src/live/live-server.ts";
import { about, moment, operation } from "../moments.ts";

test.runIf(mustHaveBrowser)("there is a browser to test with", () => {
  expect(chromiumPath).toBeDefined();
});

/** Passes connections on to a port until it is cut. */
class Cable implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(port: number) {
    this.#server = createServer();
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (near: Socket) => {
      if (this.#isCut) {
        near.destroy();
        return;
      }
      const far = connect(port, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  static async to(url: string): Promise<Cable> {
    const cable = new Cable(Number(new URL(url).port));
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

describe.skipIf(chromiumPath === undefined)("the live page in a browser", () => {
  let browser: Browser;
  const complaints: string[] = [];
  const opened: AsyncDisposable[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function serve(seconds: number, keptSeconds: number = 900): Promise<LiveServer> {
    const server = await LiveServer.listen(about, { host: "127.0.0.1", port: 0, keptSeconds });
    opened.push(server);
    for (let second = 1; second <= seconds; second++) server.update(moment(second));
    return server;
  }

  async function show(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(url);
    return page;
  }

  const isLive = (page: Page): Promise<void> => page.locator(".verdict.live").waitFor();
  const showsSecond = (page: Page, clock: string): Promise<void> => page.locator(`h1:has-text("${clock}")`).waitFor();

  test("follows the test second by second, and the first screen has what one looks for", async () => {
    const server = await serve(20);
    const page = await show(server.url);
    await isLive(page);
    server.update(
      moment(
        21,
        {},
        {
          rules: [
            {
              text: "http_req_duration: p(95) < 20ms",
              state: "missed",
              actual: 47e6,
              limit: 20e6,
              unit: "ns",
              consumed: 2.35,
            },
          ],
        },
      ),
    );
    await showsSecond(page, "00:21");
    expect(await page.title()).toBe("00:21 shop: 1 of 1 rules missed");
    expect(await page.locator("body").getAttribute("class")).toBe("failed");
    expect(await page.locator(".tile.bad").innerText()).toContain("235 %");
    for (const selector of ["h1", ".trust", ".tile >> nth=5", ".charts svg.time >> nth=2", ".rules tbody tr"]) {
      const box = await page.locator(selector).first().boundingBox();
      expect((box?.y ?? 999) + (box?.height ?? 0), selector).toBeLessThanOrEqual(800);
    }
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1280);
  });

  test("what one has opened, focused or chosen stays while the page goes on", async () => {
    const server = await serve(30);
    const page = await show(server.url);
    await isLive(page);
    await page.locator("details.values summary").first().click();
    await page.locator("svg.time").nth(1).focus();
    server.update(moment(31));
    await showsSecond(page, "00:31");
    await expect.poll(() => page.locator("details.values").first().getAttribute("open")).not.toBeNull();
    const focused = (): Promise<unknown> =>
      page.evaluate("[...document.querySelectorAll('svg.time')].indexOf(document.activeElement)");
    await expect.poll(focused).toBe(1);
    await page.locator('button[data-window="60000"]').click();
    await expect.poll(() => new URL(page.url()).hash).toBe("#window=60000");
    await page.locator("#pause").click();
    server.update(moment(32));
    server.update(moment(33));
    await expect.poll(() => page.locator("h1").innerText()).toMatch(/PAUSED\s+00:31/);
    await page.locator("#pause").click();
    await showsSecond(page, "00:33");
  });

  test("by keyboard: values are read off the charts, a stretch is chosen and left again", async () => {
    const server = await serve(50);
    const page = await show(server.url);
    await isLive(page);
    await page.locator("svg.time").first().focus();
    await page.keyboard.press("End");
    expect(await page.locator("#status").textContent()).toMatch(
      /^00:50 {2}p99 49(\.0)? ms {2}p95 47(\.0)? ms {2}p50 29(\.0)? ms$/,
    );
    await page.keyboard.press("Home");
    expect(await page.locator("#status").textContent()).toMatch(/^00:0\d/);
    const from = (): Promise<string | null> => page.locator("svg.time").first().getAttribute("data-from");
    for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("+");
    await expect.poll(async () => Number(await from())).toBeGreaterThan(5000);
    await page.keyboard.press("Escape");
    await expect.poll(from).toBe("0");
    const plot = await page.locator("svg.time svg.plot").first().boundingBox();
    const outer = await page.locator("svg.time").first().boundingBox();
    const y = (outer?.y ?? 0) + 30;
    await page.mouse.move((plot?.x ?? 0) + 60, y);
    await page.mouse.down();
    await page.mouse.move((plot?.x ?? 0) + 200, y);
    await page.mouse.up();
    await expect.poll(async () => Number(await from())).toBeGreaterThan(1000);
  });

  test("cut off and back: nothing is missing that the server kept; what it did not keep is marked", async () => {
    const server = await serve(10, 20);
    const cable = await Cable.to(server.url);
    opened.push(cable);
    const page = await show(cable.url);
    await isLive(page);
    const outage = async (from: number, to: number): Promise<void> => {
      cable.cut();
      await page.locator(".verdict.lost").waitFor();
      for (let second = from; second <= to; second++) server.update(moment(second));
      cable.mend();
      await isLive(page);
      await showsSecond(page, `00:${to}`);
    };
    await outage(11, 18);
    expect(await page.locator("path.gap").count()).toBe(0);
    await outage(19, 59);
    expect(await page.locator("svg.time >> nth=0 >> path.gap").count()).toBe(1);
    expect(await page.locator("#health-now ~ p").last().innerText()).toContain("1 stretch of the run not seen");
    // The browser reports its lost connections; they were ours.
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/ERR_/.test(text)));
  });

  test("at the end the page becomes the report", async () => {
    const server = await serve(60);
    const page = await show(server.url);
    await isLive(page);
    await server.finish('<!doctype html><title>the report</title><link rel="icon" href="data:,"><h1>PASSED</h1>');
    await page.waitForURL("**/report");
    expect(await page.title()).toBe("the report");
  });

  test("without a report the page stays and says that it is over", async () => {
    const server = await serve(60);
    const page = await show(server.url);
    await isLive(page);
    await server.finish(undefined);
    await page.locator(".verdict.ended").waitFor();
    expect(await page.locator("h1").innerText()).toMatch(/ENDED\s+01:00/);
  });

  test("whole without scripts", async () => {
    const server = await serve(20);
    const page = await show(server.url, { javaScriptEnabled: false });
    expect(await page.locator("h1").innerText()).toMatch(/AS OF NOW\s+00:20/);
    expect(await page.locator(".tools").isVisible()).toBe(false);
    expect(await page.locator("svg.time path.line").count()).toBeGreaterThan(3);
  });

  test.each([320, 400, 600])("at %i px all of its bar is there without scrolling sideways", async (width) => {
    const server = await serve(20);
    const page = await show(server.url, { viewport: { width, height: 800 } });
    await isLive(page);
    expect(await page.evaluate("document.querySelector('nav').scrollWidth")).toBe(width);
    for (const button of await page.locator(".tools button").all()) {
      const box = await button.boundingBox();
      expect((box?.x ?? width) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    }
  });

  test.each(["light", "dark"] as const)("accessible in %s (axe-core, WCAG 2.2 AA)", async (colorScheme) => {
    const server = await serve(20);
    server.update(
      moment(
        21,
        { errors: [{ message: "no such user", count: 3 }], validity: { state: "degraded", reasons: ["late"] } },
        {
          rules: [
            { text: "checks: rate > 0.9", state: "no-data" },
            { text: "x: p(95) < 1", state: "missed", consumed: 3 },
          ],
        },
      ),
    );
    const page = await show(server.url, { colorScheme });
    await isLive(page);
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  test("hostile texts are text on the screen, and nothing overflows, on narrow screens neither", async () => {
    const server = await serve(3);
    const operations = hostileTexts.map((text) => operation(text, { limit: { text, missed: true } }));
    const errors = hostileTexts.map((message) => ({ message, count: 1 }));
    const rules = hostileTexts.map((text) => ({ text, state: "missed" as const, consumed: 2 }));
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 375, height: 700 },
    ]) {
      const page = await show(server.url, { viewport });
      await isLive(page);
      server.update(
        moment(server.viewers + 3 + viewport.width, { operations, errors, phase: hostileTexts[1] ?? "" }, { rules }),
      );
      await page.locator("#operations").waitFor();
      expect(
        await page.evaluate("document.querySelectorAll('main img, main iframe, main script, main b, failure').length"),
      ).toBe(0);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(viewport.width);
    }
  });

  test("a second costs the main thread no more than twice its goal of 16 ms, with five minutes in four charts and twenty operations (the quietest quarter of 20)", async () => {
    const operations = Array.from({ length: 20 }, (_, i) =>
      operation(`operation-${i}`, { recent: Array.from({ length: 60 }, (_, k) => k * 1e6) }),
    );
    const server = await serve(300);
    server.update(moment(301, { operations }));
    const page = await show(server.url);
    await isLive(page);
    const session = await page.context().newCDPSession(page);
    // The processor's time, not the clock's: what others do on this machine is not the page's cost.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async (): Promise<number> => {
      const { metrics } = await session.send("Performance.getMetrics");
      const of = (name: string): number => metrics.find((each) => each.name === name)?.value ?? Number.NaN;
      return (of("ScriptDuration") + of("LayoutDuration") + of("RecalcStyleDuration")) * 1000;
    };
    const times: number[] = [];
    for (let second = 302; second <= 322; second++) {
      const before = await busy();
      // Heard from the page itself: a question asked again and again would be work of its main thread too.
      const drawn = page.evaluate(
        "new Promise((drawn) => new MutationObserver((_, observer) => { observer.disconnect(); requestAnimationFrame(() => requestAnimationFrame(drawn)); }).observe(document.getElementById('content'), { subtree: true, childList: true, characterData: true, attributes: true }))",
      );
      await page.evaluate("0");
      server.update(moment(second, { operations }));
      await drawn;
      times.push((await busy()) - before);
    }
    // Who shares a core's caches makes even the processor's time longer: the quietest seconds are the page's
    // own. What the goal itself comes to is told by bench/report/pages.ts.
    const quiet = times.toSorted((a, b) => a - b)[5] ?? Number.NaN;
    expect(quiet, times.map((ms) => ms.toFixed(1)).join(" ")).toBeLessThanOrEqual(32);
  });

  test("no page wrote to the console or threw", () => {
    expect(complaints).toEqual([]);
  });
});
