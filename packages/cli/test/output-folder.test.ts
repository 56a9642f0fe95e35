import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MettleError } from "@mettle/core";
import { captureEnvironment, readRun, type Run } from "@mettle/results";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OutputFolder } from "../src/output-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mettle-output-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run: Run = {
  schema: "mettle.run/1",
  id: "01900000-0000-7000-8000-000000000000",
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  name: "x",
  kind: "bench",
  environment: captureEnvironment({ noiseProbe: false }),
  validity: { state: "valid", reasons: [] },
  measurements: [],
};

test("writes inside and nowhere else", async () => {
  const out = new OutputFolder(join(folder, "out"), folder);
  await out.write("a/b.txt", "text");
  expect(readFileSync(join(folder, "out/a/b.txt"), "utf8")).toBe("text");
  expect(out.shown("a/b.txt")).toBe(join("out", "a", "b.txt"));
  for (const name of ["../x", "/etc/x", "a/../../x", "", "."]) expect(() => out.file(name)).toThrow(/leads out of/);
});

test("a file that cannot be replaced stays as it was, and nothing half-written beside it", async () => {
  const out = new OutputFolder(folder, folder);
  mkdirSync(join(folder, "summary.md"));
  await expect(out.write("summary.md", "text")).rejects.toMatchObject({ code: "OUTPUT_WRITE_FAILED" });
  expect(readdirSync(folder)).toEqual(["summary.md"]);
});

test("a folder that refuses: a coded error, exit code 2", async () => {
  writeFileSync(join(folder, "out"), "a file is in the way");
  const out = new OutputFolder(join(folder, "out"), folder);
  await expect(out.write("a.txt", "text")).rejects.toMatchObject({ code: "OUTPUT_WRITE_FAILED", exitCode: 2 });
});

test("a run that cannot be written where it should be is kept in the spare folder, and the error says where", async () => {
  writeFileSync(join(folder, "out"), "a file is in the way");
  const spare = join(folder, "spare");
  mkdirSync(spare);
  const out = new OutputFolder(join(folder, "out"), folder);
  const error = await out.writeRun("run.json", run, spare).catch((thrown: unknown) => thrown);
  const kept = join(spare, `mettle-run-${run.id}.json`);
  expect(error).toBeInstanceOf(MettleError);
  expect(error).toMatchObject({ code: "RUN_WRITE_FAILED", exitCode: 2 });
  expect((error as MettleError).next).toContain(kept);
  expect(await readRun(kept)).toEqual(run);
  expect(readdirSync(spare)).toHaveLength(1);
});

test("a run that readers would refuse is set aside as it stands, and the error says where", async () => {
  const out = new OutputFolder(join(folder, "out"), folder);
  const refused = { ...run, durationMs: -1 };
  const error = await out.writeRun("run.json", refused).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "RUN_INVALID" });
  expect((error as MettleError).next).toContain(join("out", "run.refused.json"));
  expect(JSON.parse(readFileSync(join(folder, "out", "run.refused.json"), "utf8"))).toEqual(refused);
});
