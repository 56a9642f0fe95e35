import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where a Chromium is; undefined where none is installed (`.ci/run` installs Debian's). */
export const chromiumPath: string | undefined = process.env["CHROMIUM"] ?? candidates.find((path) => existsSync(path));

/** Where `.ci/run` runs, a missing browser is a fault of the machine, not a reason to test less. */
export const mustHaveBrowser: boolean = process.env["METTLE_TEST_BROWSER"] === "required";

/** A browser and a folder of pages, closed together. */
export class Pages implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "mettle-pages-"));
  /** What pages wrote to the console or threw: a report must do neither. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<Pages> {
    // A page from a file of our own needs no sandbox, and root has none.
    const browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
    return new Pages(browser);
  }

  write(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    return pathToFileURL(path).href;
  }

  /** Opens a page at 1280 × 800 with no network at all. */
  async show(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 800 },
      offline: true,
      ...options,
    });
    const page = await context.newPage();
    page.on("console", (message) => this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:") && !request.url().startsWith("data:"))
        this.complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(url);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The address as the page itself has it: what `page.url()` knows comes over later, when the page changes it itself. */
export const addressOf = (page: Page): Promise<string> => page.evaluate("location.href");

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe-core finds against WCAG 2.2 at level AA, one line for each element. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // What is not laid out is not looked at.
  const rule = "main > section { content-visibility: visible !important }";
  await page.evaluate(
    `document.styleSheets[0].insertRule(${JSON.stringify(rule)}, document.styleSheets[0].cssRules.length)`,
  );
  // The policy of the page forbids any other script; the protocol may still evaluate one.
  await page.evaluate(axe.source);
  const violations = (await page.evaluate(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then(({ violations }) => violations)`,
  )) as readonly Violation[];
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} (${failureSummary ?? ""})`),
  );
}
