// What the pages cost, in a real browser: the report of ten minutes and thirty series (size, first paint, ready), a second
// of the live page (main thread, bytes), and what twenty viewers do to whoever feeds it. Everything is measured beside an
// empty page, or without viewers, in the same minute: on a crowded machine only these ratios mean something.
// Run: node --conditions=mettle-source bench/report/pages.ts (after tsc -b; needs a Chromium)
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LiveServer } from "@mettle/dashboard";
import { judge } from "@mettle/judge";
import { renderHtml } from "@mettle/report";
import { readRun } from "@mettle/results";
import { quantile } from "@mettle/stats";
import { type Browser, chromium, type Page } from "playwright-core";
import { about, moment, operation } from "../../packages/dashboard/test/moments.ts";
import { chromiumPath } from "../../packages/report/test/e2e/browser.ts";
import { loadRun } from "../../packages/report/test/html/load-run.ts";

const ROUNDS = 21;
const SECONDS = 30;
const VIEWERS = 20;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const median = (values: readonly number[]): number => quantile(values, 0.5) ?? Number.NaN;
const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

async function timesOf(browser: Browser, url: string): Promise<{ readonly paint: number; readonly ready: number }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  const paint = await page.evaluate<number>(
    "new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime)).observe({ type: 'paint', buffered: true }))",
  );
  const ready = await page.evaluate<number>("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd");
  await page.close();
  return { paint, ready };
}

async function paintOfReport(browser: Browser, folder: string): Promise<void> {
  const run = loadRun({ seconds: 600, operations: Array.from({ length: 8 }, (_, i) => `operation-${i}`) });
  const write = (name: string, page: string): string => {
    writeFileSync(join(folder, name), page);
    return pathToFileURL(join(folder, name)).href;
  };
  const page = renderHtml(run, judge(run));
  const [report, empty] = [
    write("report.html", page),
    write("empty.html", "<!doctype html><title>empty</title><p>empty"),
  ];
  const [reports, empties]: [{ paint: number; ready: number }[], { paint: number; ready: number }[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    empties.push(await timesOf(browser, empty));
    reports.push(await timesOf(browser, report));
  }
  const of = (all: readonly { paint: number; ready: number }[], key: "paint" | "ready"): number[] =>
    all.map((each) => each[key]);
  const series = run.measurements.filter((each) => each.series).length;
  say(`report of ten minutes, ${series} series: ${(page.length / 1000).toFixed(0)} kB`);
  for (const key of ["paint", "ready"] as const) {
    const [own, other] = [of(reports, key), of(empties, key)];
    say(
      `  ${key}: ${milliseconds(median(own))}, at best ${milliseconds(Math.min(...own))}; an empty page ${milliseconds(median(other))}, at best ${milliseconds(Math.min(...other))}`,
    );
  }
}

async function busyMs(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name: string): number => metrics.find((each) => each.name === name)?.value ?? Number.NaN;
    return (of("ScriptDuration") + of("LayoutDuration") + of("RecalcStyleDuration")) * 1000;
  };
}

/** As a viewer's browser reads it. */
async function watch(server: { readonly url: string }): Promise<{ readonly response: IncomingMessage; bytes: number }> {
  const [response] = (await once(request(new URL("/events", server.url)).end(), "response")) as [IncomingMessage];
  const viewer = { response, bytes: 0 };
  response.on("data", (part: Buffer) => (viewer.bytes += part.length));
  await once(response, "data");
  return viewer;
}

async function livePage(browser: Browser): Promise<void> {
  const recent = Array.from({ length: 60 }, (_, k) => 1e6 * (1 + (k % 7)));
  const operations = Array.from({ length: 20 }, (_, i) => operation(`operation-${i}`, { recent }));
  await using server = await LiveServer.listen(about, { host: "127.0.0.1", port: 0 });
  for (let second = 1; second <= 300; second++) server.update(moment(second, { operations }));
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(server.url);
  await page.locator(".verdict.live").waitFor();
  const [busy, viewer] = [await busyMs(page), await watch(server)];
  const before = viewer.bytes;
  const costs: number[] = [];
  for (let second = 301; second <= 300 + SECONDS; second++) {
    const begun = await busy();
    const drawn = page.evaluate(
      "new Promise((drawn) => new MutationObserver((_, observer) => { observer.disconnect(); requestAnimationFrame(() => requestAnimationFrame(drawn)); }).observe(document.getElementById('content'), { subtree: true, childList: true, characterData: true, attributes: true }))",
    );
    await page.evaluate("0");
    server.update(moment(second, { operations }));
    await drawn;
    costs.push((await busy()) - begun);
  }
  viewer.response.destroy();
  say(`live page, five minutes in four charts, ${operations.length} operations:`);
  say(
    `  main thread ${milliseconds(median(costs))} a second (p90 ${milliseconds(quantile(costs, 0.9) ?? Number.NaN)}), of the processor's time`,
  );
  say(`  ${((viewer.bytes - before) / SECONDS / 1000).toFixed(2)} kB a second for each viewer`);
}

/** What telling a second costs whoever runs the load test. */
async function viewersCost(): Promise<void> {
  const operations = Array.from({ length: 20 }, (_, i) => operation(`operation-${i}`));
  const costOf = async (viewers: number): Promise<number[]> => {
    await using server = await LiveServer.listen(about, { host: "127.0.0.1", port: 0 });
    const watching = await Promise.all(Array.from({ length: viewers }, () => watch(server)));
    const costs: number[] = [];
    for (let second = 1; second <= 200; second++) {
      const begun = performance.now();
      server.update(moment(second, { operations }));
      costs.push(performance.now() - begun);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { response } of watching) response.destroy();
    return costs.slice(20);
  };
  const [none, all] = [await costOf(0), await costOf(VIEWERS)];
  say(
    `telling a second: ${milliseconds(median(none))} without viewers, ${milliseconds(median(all))} with ${VIEWERS} (p99 ${milliseconds(quantile(all, 0.99) ?? Number.NaN)}), on the main thread, where no load is made`,
  );
}

/** How late the generator is with and without viewers: runs of some seconds take turns. */
async function lateness(folder: string): Promise<void> {
  const target = createServer((_, response) => response.end("{}")).listen(0, "127.0.0.1");
  await once(target, "listening");
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  const bin = fileURLToPath(new URL("../../packages/cli/bin/mettle.js", import.meta.url));
  const lateOf = async (viewers: number): Promise<number> => {
    const child = spawn(
      process.execPath,
      [bin, "load", url, "-r", "500", "-d", "8s", "--ui=0", "--no-history", "--out", folder],
      { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    const closed = once(child, "close");
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => (text += part));
    while (!/live page: \S+\n/.test(text)) await once(child.stderr, "data");
    const page = { url: /live page: (\S+)\n/.exec(text)?.[1] ?? "" };
    const watching = await Promise.all(Array.from({ length: viewers }, () => watch(page)));
    await closed;
    for (const { response } of watching) response.destroy();
    const run = await readRun(join(folder, "run.json"));
    const late = run.measurements.find(({ metric }) => metric === "generator_dispatch_delay");
    return (late?.summary.p99 ?? Number.NaN) / 1e6;
  };
  const [none, all]: [number[], number[]] = [[], []];
  for (let round = 0; round < 5; round++) {
    none.push(await lateOf(0));
    all.push(await lateOf(VIEWERS));
  }
  target.close();
  const shown = (values: readonly number[]): string => values.map((value) => value.toFixed(1)).join(" ");
  say(
    `generator late p99 at 500 requests/s: ${milliseconds(median(none))} without viewers (${shown(none)}), ${milliseconds(median(all))} with ${VIEWERS} (${shown(all)})`,
  );
}

if (chromiumPath === undefined) throw new Error("there is no Chromium on this machine");
const folder = mkdtempSync(join(tmpdir(), "mettle-pages-"));
const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
try {
  await paintOfReport(browser, folder);
  await livePage(browser);
  await viewersCost();
  await lateness(folder);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
