import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { chromiumPath } from "./browser.ts";

// The pictures of the documentation, from pages that the command wrote:
//   node packages/report/test/e2e/screenshot.ts mettle-out/report.html docs/images/report.png [light|dark]
const [page, picture, scheme = "light"] = process.argv.slice(2);
if (page !== undefined && picture !== undefined && chromiumPath !== undefined) {
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  const shown = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    colorScheme: scheme === "dark" ? "dark" : "light",
  });
  await shown.goto(pathToFileURL(resolve(page)).href);
  await shown.screenshot({ path: picture });
  await browser.close();
} else {
  process.stderr.write("Usage: screenshot.ts PAGE PICTURE [light|dark], where a Chromium is installed.\n");
  process.exitCode = 2;
}
