import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { formatQuantity } from "@mettle/core";
import type { Verdict } from "@mettle/judge";
import { type Run, readRun } from "@mettle/results";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationsOf } from "../../src/html/operations.ts";
import { accessibilityProblems, chromiumPath, Pages } from "./browser.ts";

// As a file, not as a package: nothing imports the command.
const bin = fileURLToPath(new URL("../../../cli/bin/mettle.js", import.meta.url));

/** A folder in which the built command measures. */
class Workplace implements Disposable {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), "mettle-report-")));

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, content] of Object.entries({ "package.json": '{ "type": "module" }', ...files }))
      writeFileSync(join(this.folder, name), content);
  }

  async mettle(...args: string[]): Promise<{ readonly exitCode: number | null; readonly stdout: string }> {
    const child = spawn(process.execPath, [bin, ...args, "--quiet"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { exitCode, stdout };
  }

  run(): Promise<Run> {
    return readRun(join(this.folder, "mettle-out/run.json"));
  }

  page(name: string = "report.html"): string {
    return pathToFileURL(join(this.folder, "mettle-out", name)).href;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Embedded {
  readonly run: Run;
  readonly verdict?: Verdict;
}

async function embedded(page: Page): Promise<Embedded> {
  return JSON.parse((await page.locator("#result").textContent()) ?? "null") as Embedded;
}

/** What every page must say of the run that it was made from. */
async function expectFacts(page: Page, run: Run): Promise<void> {
  const { run: told, verdict } = await embedded(page);
  expect(told.id).toBe(run.id);
  expect(told.measurements.map(({ summary }) => summary)).toEqual(run.measurements.map(({ summary }) => summary));
  const head = await page.locator("header.head").innerText();
  expect(head).toContain(`Measurement ${run.validity.state.toUpperCase()}`);
  const status = run.validity.state === "invalid" ? "invalid" : (verdict?.status ?? "measured");
  expect(await page.locator("body").getAttribute("class")).toBe(status);
  if (verdict && status !== "invalid") expect(head).toContain(verdict.title.replace(/^\w+: /, ""));
  expect(await accessibilityProblems(page)).toEqual([]);
}

// They measure, and take as long as that takes on a crowded machine.
describe.skipIf(chromiumPath === undefined)("reports of real runs", { timeout: 400_000 }, () => {
  let pages: Pages;
  let server: Server;
  let url: string;
  beforeAll(async () => {
    pages = await Pages.open();
    server = createServer((request, response) => {
      response.statusCode = request.url === "/broken" ? 503 : 200;
      response.end("{}");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server?.close();
    await pages?.[Symbol.asyncDispose]();
  });

  test("of a load test: operations and missed thresholds, as the run document has them", async () => {
    using place = new Workplace({
      "shop.yaml": `
scenarios:
  good: { rate: 20, duration: 3s, steps: [{ get: "${url}/good", name: good }] }
  broken: { rate: 10, duration: 3s, steps: [{ get: "${url}/broken", name: broken }] }
thresholds:
  "http_req_failed{name:broken}": [{ threshold: rate < 0.1 }]
  "http_req_failed{name:good}": [{ threshold: rate < 0.1 }]
`,
    });
    const { exitCode, stdout } = await place.mettle("load", "shop.yaml", "--no-history");
    const run = await place.run();
    expect(exitCode).toBe(run.validity.state === "invalid" ? 5 : 3);
    expect(stdout).toContain("mettle-out/report.html");
    const page = await pages.show(place.page());
    await expectFacts(page, run);
    const trouble = page.locator(".trouble li >> nth=0");
    expect((await trouble.innerText()).replaceAll(/\s+/g, " ")).toMatch(
      /^✗ broken http_req_failed rate < 0\.1 100 % \(limit 10\.0 %\), 1000 % of the allowance, all the time/,
    );
    const operations = operationsOf(run, (await embedded(page)).verdict?.findings ?? []);
    expect(operations.map(({ name }) => name)).toEqual(["broken", "good", "all"]);
    for (const [i, { name, times }] of operations.entries()) {
      const cells = await page.locator(`.operations > tbody > tr >> nth=${i} >> css=th, td`).allTextContents();
      expect(cells[0]).toContain(name);
      const figures = [times.summary.p50, times.summary.p95, times.summary.p99, times.summary.max].map((value) =>
        value === undefined ? "–" : formatQuantity(value, "ns"),
      );
      expect(cells.slice(4, 8)).toEqual(figures);
    }
    // The slowest requests and the kinds of failure, as the document has them.
    const [broken] = operations;
    await page.locator(".operations a.open >> nth=0").click();
    const detail = page.locator("tr.inserted");
    const slowest = broken?.times.slowest ?? [];
    expect(slowest).toHaveLength(5);
    expect(slowest[0]?.value).toBe(broken?.times.summary.max);
    expect(await detail.locator(".waterfall tbody tr >> css=td:nth-of-type(2)").allTextContents()).toEqual(
      slowest.map(({ value }) => formatQuantity(value, "ns")),
    );
    expect(broken?.times.errors).toMatchObject({
      count: broken?.times.summary.count,
      kinds: { "status 503": broken?.times.summary.count },
    });
    expect((await detail.locator(".facts-box tbody").innerText()).replaceAll(/\s+/g, " ")).toMatch(
      new RegExp(`^status 503 ${broken?.times.summary.count}× first at 00:0\\d: GET ${url}/broken → 503$`),
    );
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.context().close();
  });

  test("of benchmarks, and of two runs of them side by side", async () => {
    using place = new Workplace({
      "sum.bench.js": `
        import { bench, suite } from "mettle";
        const numbers = Array.from({ length: 200 }, (_, i) => i);
        suite("sum", () => {
          bench("loop", () => { let sum = 0; for (const number of numbers) sum += number; return sum; });
          bench("reduce", () => numbers.reduce((sum, number) => sum + number, 0));
        });`,
      "mettle.config.js": `export default { judge: { thresholds: { "sum.loop.time": ["p(50) < 1ns"], "sum.reduce.time": ["p(50) < 1s"] } } };`,
    });
    const { exitCode } = await place.mettle(
      "bench",
      "--profile",
      "smoke",
      "--save",
      "first",
      "--no-history",
      "--config",
      "mettle.config.js",
    );
    const run = await place.run();
    expect([3, 5]).toContain(exitCode);
    const page = await pages.show(place.page());
    await expectFacts(page, run);
    const loop = run.measurements.find(({ metric }) => metric === "sum.loop.time");
    expect(await page.locator('.cases tr:has-text("sum.loop")').innerText()).toContain(
      formatQuantity(loop?.summary.p50 ?? 0, "ns"),
    );
    await page.context().close();
    const { stdout } = await place.mettle("compare", "first", "mettle-out/run.json", "--html");
    expect(stdout).toContain("baseline");
    const compared = await pages.show(place.page("compare.html"));
    expect(await compared.locator("h1").innerText()).toMatch(/^COMPARED \d+ metrics: 0 worse, 0 better/);
    expect(await accessibilityProblems(compared)).toEqual([]);
    await compared.context().close();
  });

  test("of a validation, which writes and names it", async () => {
    using place = new Workplace({});
    const { stdout } = await place.mettle("validate", "registry", "--profile", "smoke");
    expect(stdout).toContain("report  mettle-out/report.html");
    const page = await pages.show(place.page());
    await expectFacts(page, await place.run());
    const { verdict } = await embedded(page);
    const ids = [...new Set((verdict?.findings ?? []).flatMap(({ requirement }) => requirement ?? []))];
    const shown = await page.locator("#requirements tbody th").allTextContents();
    expect(ids.filter((id) => !shown.includes(id))).toEqual([]);
    await page.context().close();
    // The same page again, from the files alone.
    const again = await place.mettle("report", "--html");
    expect(again.stdout.startsWith("<!doctype html>")).toBe(true);
    expect(readFileSync(fileURLToPath(place.page()), "utf8").startsWith("<!doctype html>")).toBe(true);
  });

  test("no page wrote to the console, threw, or asked for anything", () => {
    expect(pages.complaints).toEqual([]);
  });
});
