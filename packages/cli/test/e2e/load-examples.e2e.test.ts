import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { readRun } from "@mettle/results";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Project } from "./project.ts";

const folder = fileURLToPath(new URL("../../../../examples/load", import.meta.url));
const files = globSync(["*.load.ts", "*.yaml"], { cwd: folder });
let server: ChildProcess;
let url = "";

beforeAll(async () => {
  const program = fileURLToPath(new URL("fixtures/server.mjs", import.meta.url));
  server = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(server.stdout!, "data")) as [Buffer];
  url = line.toString().trim();
});
afterAll(() => {
  server.kill("SIGKILL");
});

test("there are examples", () => {
  expect(files.length).toBeGreaterThan(2);
});

test.each(files)("%s runs as it stands, and every check of it holds", async (file) => {
  using project = new Project();
  const { exitCode, stderr } = await project.mettle([
    "load",
    `${folder}/${basename(file)}`,
    "--env",
    `BASE_URL=${url}`,
    "--no-history",
  ]);
  const run = await readRun(project.path("mettle-out/run.json"));
  // A machine at its limits may miss a threshold or call the run invalid; the script is right all the same.
  expect([0, 3, 5]).toContain(exitCode);
  expect(stderr).not.toContain("×");
  const sumOf = (metric: string): number | undefined =>
    run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary.sum;
  expect(sumOf("iterations")).toBeGreaterThan(10);
  const rateOf = (metric: string): number | undefined =>
    run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary.rate;
  expect([rateOf("checks"), rateOf("iteration_failed"), rateOf("http_req_failed")]).toEqual([1, 0, 0]);
});
