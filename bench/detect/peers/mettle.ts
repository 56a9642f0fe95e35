import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { benchAgainst, measureBenchmarks } from "@mettle/bench";
import type { Comparison, Run } from "@mettle/results";
import { candidateOf, type Decision, type Trial, type TrialRequest } from "../trial.ts";

const benchFile = fileURLToPath(new URL("./detect.bench.ts", import.meta.url));

/**
 * One comparison by Mettle's own runner, with its defaults: `together` compares two cases of a suite, `apart` two folders
 * as it compares two builds. Allocations are not counted, as the peers do not count them.
 */
export async function mettleTrial(request: TrialRequest): Promise<Trial> {
  const before = performance.now();
  // The processes that measure inherit these.
  process.env["DETECT_WORKLOAD"] = request.workload;
  process.env["DETECT_CANDIDATE"] = candidateOf[request.pair];
  process.env["DETECT_MODE"] = request.mode;
  const run = request.mode === "together" ? await together(request) : await apart(request);
  const [comparison] = run.comparisons ?? [];
  if (!comparison) throw new Error(`no comparison came of it: ${run.validity.reasons.join("; ")}`);
  const { harness, workload, pair, mode, settings, candidateFirst } = request;
  return {
    harness,
    workload,
    pair,
    mode,
    settings,
    candidateFirst,
    seconds: (performance.now() - before) / 1000,
    at: new Date().toISOString(),
    load: loadavg()[0] ?? 0,
    decisions: [decisionOf(comparison)],
  };
}

function decisionOf({ ratio, pValue, outcome }: Comparison): Decision {
  const flagged = outcome === "worse" || outcome === "better";
  return { test: "own", ratio, flagged, flaggedBeyondMargin: flagged, ...(pValue !== undefined && { p: pValue }) };
}

/** The last process may begin just before the time is over; this much is left for it. */
const reserveSeconds = 0.8;

async function together({ seconds, seed, margin }: TrialRequest): Promise<Run> {
  const plan = { secondsPerSuite: seconds - reserveSeconds, memory: false, ...(margin !== undefined && { margin }) };
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  return (await measureBenchmarks({ name: "detect", files: [benchFile], cwd, plan, seed })).run;
}

async function apart({ seconds, seed, margin }: TrialRequest): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), "mettle-detect-"));
  try {
    for (const side of ["candidate", "baseline"]) {
      await mkdir(join(folder, side));
      // An import of the same file under a number of its own gives each load fresh functions.
      const source = `await import(${JSON.stringify(pathToFileURL(benchFile).href)} + new URL(import.meta.url).search);\n`;
      await writeFile(join(folder, side, "detect.bench.mjs"), source);
    }
    const cwd = join(folder, "candidate");
    const plan = {
      secondsPerSuite: seconds - 2 * reserveSeconds,
      memory: false,
      ...(margin !== undefined && { margin }),
    };
    const files = [join(cwd, "detect.bench.mjs")];
    return (await benchAgainst({ name: "detect", against: join(folder, "baseline"), files, cwd, plan, seed })).run;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
