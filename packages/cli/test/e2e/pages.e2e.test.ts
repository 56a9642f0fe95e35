import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { outcomeOf, Project, quick, workload } from "./project.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** What a stream says that matches; the stream goes on. */
function said(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    stream?.on("data", (part: string) => {
      text += part;
      const found = pattern.exec(text);
      if (found) resolve(found[1] ?? "");
    });
    stream?.on("end", () => reject(new Error(`${pattern} is not in ${text}`)));
  });
}

async function serve(): Promise<string> {
  const program = fileURLToPath(new URL("./fixtures/server.mjs", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  return text.toString().trim();
}

describe("pages in a browser", () => {
  test("mettle load --ui: the page stands while the test runs, becomes the report, and costs the run nothing it reports", async () => {
    using project = new Project();
    const child = project.start(["load", await serve(), "-r", "50", "-d", "4s", "--ui=0", "--no-history"]);
    children.push(child);
    const outcome = outcomeOf(child);
    const url = await said(child.stderr, /The live page: (\S+)\n/);
    const page = await fetch(url);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const events = await fetch(new URL("/events", url));
    let told = "";
    for await (const part of events.body ?? []) {
      told += new TextDecoder().decode(part);
      if (told.includes("event: end")) break;
    }
    expect(told.match(/^event: frame$/gm)?.length).toBeGreaterThanOrEqual(2);
    expect(await (await fetch(new URL("/report", url))).text()).toBe(
      readFileSync(project.path("mettle-out/report.html"), "utf8"),
    );
    expect((await outcome).exitCode).not.toBe(1);
  });

  test("mettle load --ui with an address that is none, or taken, says so before any load", async () => {
    using project = new Project();
    const url = await serve();
    const wrong = await project.mettle(["load", url, "--ui=nowhere", "-d", "1s", "--no-history"]);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("DASHBOARD_ADDRESS_INVALID")]);
    const taken = await project.mettle(["load", url, `--ui=${new URL(url).port}`, "-d", "1s", "--no-history"]);
    expect([taken.exitCode, taken.stderr]).toEqual([2, expect.stringContaining("DASHBOARD_ADDRESS_TAKEN")]);
  });

  test("mettle dashboard and mettle history --html: the same pages, from a server and as files", async () => {
    using project = new Project({ "work.bench.js": workload });
    for (let i = 0; i < 2; i++) expect((await project.mettle(["bench", ...quick])).exitCode).toBe(0);
    const written = await project.mettle(["history", "--html=public"]);
    expect(written.stderr).toMatch(/Wrote public\/index\.html and \d+ pages beside it\./);
    const files = readdirSync(project.path("public"), { recursive: true, encoding: "utf8" });
    const reports = files.filter((file) => /^runs\/.*\.html$/.test(file));
    const metrics = files.filter((file) => /^metrics\/work\.time.*\.html$/.test(file));
    expect(reports).toHaveLength(2);
    expect(metrics).toHaveLength(1);
    expect(files).toContain(".nojekyll");
    const child = project.start(["dashboard", "--port", "0"]);
    children.push(child);
    const outcome = outcomeOf(child);
    const url = await said(child.stdout, /: (http:\S+)\n/);
    for (const file of ["index.html", ...reports, ...metrics])
      expect(await (await fetch(new URL(`/${file}`, url))).text(), file).toBe(
        readFileSync(project.path(`public/${file}`), "utf8"),
      );
    child.kill("SIGINT");
    expect((await outcome).exitCode).toBe(0);
  });

  test("without a history there is nothing to show", async () => {
    using project = new Project();
    const { exitCode, stderr } = await project.mettle(["dashboard"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("HISTORY_EMPTY")]);
  });

  test("a run document of 500 MB is refused with advice, at once and without reading it", async () => {
    using project = new Project({ "huge.json": "{" });
    // Sparse: it takes no room on the disk.
    truncateSync(project.path("huge.json"), 500_000_001);
    const begun = performance.now();
    const { exitCode, stderr } = await project.mettle(["report", "huge.json", "--html"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("RUN_TOO_LARGE")]);
    expect(stderr).toContain("500000001 bytes");
    expect(stderr).toContain("Raise the limit if the file is genuine, or write the run without raw blocks.");
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
